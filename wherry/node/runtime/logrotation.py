"""Logs that grow: a full one is put aside under the moment's name, and conmon begins a new one.

    0.log    0.log.20260102-030405.123456    …

Source: kubernetes pkg/kubelet/logs/container_log_manager.go and the defaults of containerLogMaxSize and MaxFiles;
ours are not compressed. A container that fills `conmon.LOG_SIZE_LIMIT` between two looks loses what is beyond it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
FULL_BYTES = 10 << 20
FILES = 5
"""How many files a run's log may have, the current one included."""

REOPEN = b"2 0 0\n"
"""What conmon reads from its fifo `ctl` as the wish to open its log anew (conmon src/ctrl.c)."""


class GrowingLog(NamedTuple):
    """The log of a running container, and the folder with its conmon's fifo."""

    path: Path
    bundle: Path


async def keep_rotating(logs: Callable[[], Iterable[GrowingLog]]) -> None:
    """Look after the running containers' `logs` until cancelled."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(_rotate_all, list(logs()), datetime.now(UTC))


def _rotate_all(logs: Iterable[GrowingLog], now: datetime) -> None:
    for one in logs:
        try:
            rotate(one, now)
        except OSError as error:
            log.warning("log not rotated: path=%s error=%s", one.path, error)


def rotate(growing: GrowingLog, now: datetime, full: int = FULL_BYTES) -> None:
    """Put the log aside if it has `full` bytes, and remove the oldest files. Blocks. Raises OSError."""
    path = growing.path
    if not path.exists() or path.stat().st_size < full:
        return
    aside = path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S.%f}")
    path.rename(aside)
    try:
        _reopen(growing.bundle)
    except OSError:  # conmon is ending: the log has all there will be
        aside.rename(path)
        raise
    for old in sorted(path.parent.glob(f"{path.name}.*"))[: 1 - FILES]:
        old.unlink()


def _reopen(bundle: Path) -> None:
    fd = os.open(bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK)
    try:
        os.write(fd, REOPEN)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Remove a run's log, and what was put aside of it. Blocks."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()
