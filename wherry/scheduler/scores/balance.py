"""Even use of cpu and memory is better than much of one and little of the other (BalancedAllocation)."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import pstdev

from wherry.scheduler.plugin import BEST
from wherry.scheduler.pod import Pod
from wherry.scheduler.scores.resources import shares
from wherry.scheduler.snapshot import Node, Snapshot


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Return how close the used shares are to each other."""
    return [BEST * (1 - pstdev(s)) if (s := shares(pod, n)) else 0.0 for n in nodes]
