"""Taints that keep new pods away (NoSchedule, NoExecute), unless tolerated."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects.taints import NO_EXECUTE, NO_SCHEDULE, taints_of, tolerations_of, untolerated
from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

REASON = "node(s) had untolerated taint(s)"
EFFECTS = (NO_SCHEDULE, NO_EXECUTE)


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes with a taint the pod does not tolerate."""
    tolerations = tolerations_of(pod.obj)

    def refuse(node: Node) -> Sequence[str]:
        return [REASON] if untolerated(taints_of(node.object), tolerations, EFFECTS) else FITS

    return refuse


FILTER = Filter("TaintToleration", check, frozenset({Event.NODE_ADDED, Event.NODE_TAINTS}))
