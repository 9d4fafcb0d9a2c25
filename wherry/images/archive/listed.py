"""An image as a file lists it, before anything of it is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Listed:
    """An image of an archive.

    names: as the archive says them, none for one that was saved by its id. document: its manifest or index, of
    `media_type`. blob: opens what a digest stands for; raises ContentError where the archive does not have it.
    """

    names: tuple[str, ...]
    document: bytes
    media_type: str
    blob: Callable[[str], BinaryIO]
