"""A write-ahead log that outlives a refusal.

SQLite ends a connection by emptying the log into the file and deleting it, what it could not read of it included. A
store that is refused must keep that for whoever mends it, so the log has a second name while it is looked at.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from wherry.apiserver.storage.sqlite import problems


@contextlib.contextmanager
def keeping_log(store: Path) -> Iterator[None]:
    """Have the log of `store` back as it was if the body, which opens and closes the store, raises."""
    log = problems.wal(store)
    kept = _second_name(log)
    if kept_log(store) == kept:
        kept.replace(log)
    with contextlib.suppress(OSError):  # no log, or no hard links here
        kept.unlink(missing_ok=True)
        os.link(log, kept)
    try:
        yield
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            kept.replace(log)
        raise
    with contextlib.suppress(FileNotFoundError):
        kept.unlink()


def kept_log(store: Path) -> Path:
    """Return where the log of a store is: under its second name when a process was killed while it looked at it."""
    log = problems.wal(store)
    kept = _second_name(log)
    return kept if kept.exists() and not log.exists() else log


def _second_name(log: Path) -> Path:
    return log.with_name(log.name + "-kept")
