"""The newest revision that was ever acknowledged, in a small file beside the store's.

SQLite takes a write-ahead log that is missing or broken off for one that ended there, and goes on from older entries as
if nothing had happened. The mark tells: a store that is behind its mark has lost something.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_DIGITS = 20


class Mark:
    """The open mark of a store. It outlives the process's death at any moment, and is never ahead of the store."""

    def __init__(self, store: Path):
        self._fd = os.open(Mark.of(store), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @staticmethod
    def of(store: Path) -> Path:
        """Return where the mark of a store is kept."""
        return store.with_name(store.name + "-mark")

    def set(self, revision: int) -> None:
        """Note that `revision` is durable, twice: one that was damaged must not count.

        Always the same few bytes, so that a full disk has room for them.
        """
        with contextlib.suppress(OSError):  # then a loss would not be noticed: no reason to refuse a write
            os.pwrite(self._fd, b"%0*d %0*d" % (_DIGITS, revision, _DIGITS, revision), 0)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)


def acknowledged(store: Path) -> int:
    """Return the newest revision ever acknowledged, as far as is known; 0 without a mark that can be read."""
    try:
        first, *again = map(int, Mark.of(store).read_bytes().split())
        return first if again in ([], [first]) else 0  # those of before had it once
    except (OSError, ValueError):
        return 0
