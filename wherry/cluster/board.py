"""What processes of the sandbox put up for others to read: a list as JSON, in a file of the sandbox's own tmpfs.

So it needs no room on the disk and is gone with the sandbox; the host reads it through the init's root
(proc_pid_root(5)).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from wherry.cluster import files

T = TypeVar("T", bound=msgspec.Struct)


def write(file: Path, entries: Iterable[T]) -> None:
    """Replace what `file` says; one that cannot be written is no reason to fail."""
    with contextlib.suppress(OSError):
        files.replace(file, msgspec.json.encode(list(entries)))


def read(file: Path, init: int, kind: type[T]) -> Sequence[T]:
    """Return what `file` says in the sandbox of `init` (the host's pid); nothing where it cannot be read."""
    try:
        return msgspec.json.decode(Path(f"/proc/{init}/root{os.fspath(file)}").read_bytes(), type=list[kind])  # type: ignore[valid-type]
    except (OSError, msgspec.DecodeError):
        return ()
