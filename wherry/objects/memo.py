"""What is made of something once, on the first call, and kept as long as that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self, TypeVar

Made = TypeVar("Made")


class Memo:
    """Keeps what functions made of it."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def once(self, make: Callable[[Self], Made]) -> Made:
        """Return `make(self)`, made on the first call and kept as long as this is."""
        if make not in self._made:
            self._made[make] = make(self)
        made: Made = self._made[make]
        return made
