"""What the init reports of its components: which ones end, how often in a row, and why."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import msgspec

from wherry.cluster import board
from wherry.cluster.paths import RUN

FILE = RUN / "components.json"
ENOUGH = 3
"""A component that has ended so often in a row, never having settled, is said not to start."""


class Report(msgspec.Struct, frozen=True):
    """One component that ended without having settled: how often in a row, and what it last ended with.

    `hopeless`: it said itself that another start would end alike, until somebody does something. `settled` is when it
    will have settled if it runs now (seconds since the epoch), 0 while it does not run.
    """

    component: str
    failures: int
    reason: str
    hopeless: bool = False
    settled: float = 0.0


def write(reports: Iterable[Report]) -> None:
    """Replace the report; a report that cannot be written is no reason to fail."""
    board.write(FILE, reports)


def read(init: int) -> Sequence[Report]:
    """Return which components of the sandbox of `init` (the host's pid) do not run as they should."""
    found = board.read(FILE, init, Report)
    return [report for report in found if not report.settled or report.settled > time.time()]


def fatal(reports: Iterable[Report]) -> Report | None:
    """Return the first component that does not start, if there is one."""
    return next((r for r in reports if r.hopeless or r.failures >= ENOUGH), None)
