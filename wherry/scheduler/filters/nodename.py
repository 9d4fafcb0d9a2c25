"""A pod that names its node goes nowhere else (such a pod is bound already; kept for pods checked by others)."""

from __future__ import annotations

from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

REASON = "node(s) didn't match the requested node name"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse every other node."""
    if not pod.node:
        return None
    return lambda node: FITS if node.name == pod.node else [REASON]


FILTER = Filter("NodeName", check, frozenset({Event.NODE_ADDED}))
