"""Fewer untolerated PreferNoSchedule taints are better."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects.taints import PREFER_NO_SCHEDULE, taints_of, tolerates, tolerations_of
from wherry.scheduler.plugin import normalized
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Count what the pod does not tolerate."""
    tolerations = tolerations_of(pod.obj)

    def bothering(node: Node) -> int:
        soft = (t for t in taints_of(node.object) if t["effect"] == PREFER_NO_SCHEDULE)
        return sum(not any(tolerates(toleration, taint) for toleration in tolerations) for taint in soft)

    return normalized([float(bothering(n)) for n in nodes], reverse=True)
