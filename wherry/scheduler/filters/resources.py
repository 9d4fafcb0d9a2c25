"""Requests against what a node can still give: cpu, memory, ephemeral-storage, extended resources, pods."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.scheduler.plugin import Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

TOO_MANY = "Too many pods"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes that lack something, naming all of it."""
    asked = sorted(pod.requests.items())

    def refuse(node: Node) -> Sequence[str]:
        reasons = [TOO_MANY] if len(node.pods) + 1 > node.allocatable.get("pods", 0) else []
        for name, value in asked:
            if value > node.allocatable.get(name, 0) - node.requested[name]:
                reasons.append(f"Insufficient {name}")
        return reasons

    return refuse


FILTER = Filter("NodeResourcesFit", check, frozenset({Event.NODE_ADDED, Event.NODE_ALLOCATABLE, Event.POD_REMOVED}))
