"""Emptier nodes are better: the mean free share of cpu and memory (LeastAllocated)."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.scheduler.plugin import BEST
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot


def shares(pod: Pod, node: Node) -> list[float]:
    """Return the used shares (0 … 1) of cpu and memory with the pod on the node; what it does not offer is left out."""
    offers = node.allocatable.get("cpu", 0), node.allocatable.get("memory", 0)
    used = (total + more for total, more in zip(node.weight, pod.weight, strict=True))
    return [min(1.0, u / offer) for u, offer in zip(used, offers, strict=True) if offer]


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Return the mean of the free shares."""
    found = [shares(pod, n) for n in nodes]
    return [BEST * (1 - sum(s) / len(s)) if s else 0.0 for s in found]
