"""What a filter and a score are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

Check: TypeAlias = Callable[[Node], Sequence[str]]
"""Returns the reasons against a node, in the words of the user's message; empty: the node will do."""

Filter: TypeAlias = Callable[[Pod, Snapshot], Check | None]
"""Prepares the check of one pod; None when the filter has no opinion on it."""

Score: TypeAlias = Callable[[Pod, Snapshot, Sequence[Node]], Sequence[float] | None]
"""Returns 0 (worst) to 100 (best) for each of the nodes; None when it makes no difference."""

FITS: Sequence[str] = ()

BEST = 100.0


def normalized(raw: Sequence[float], *, reverse: bool = False) -> Sequence[float] | None:
    """Scale by the largest value to 0 … 100, turned around when little is good; None when all are 0."""
    largest = max(raw, default=0.0)
    if not largest:
        return None
    return [BEST - BEST * r / largest if reverse else BEST * r / largest for r in raw]
