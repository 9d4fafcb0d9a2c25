"""Cordoned nodes (`kubectl cordon`) take no new pods but those that tolerate it."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects.meaning.nodes import is_cordoned
from wherry.objects.meaning.wellknown import UNSCHEDULABLE
from wherry.objects.taints import NO_SCHEDULE, tolerates, tolerations_of
from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

REASON = "node(s) were unschedulable"
TAINT = {"key": UNSCHEDULABLE, "effect": NO_SCHEDULE}


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes with spec.unschedulable."""
    if any(tolerates(t, TAINT) for t in tolerations_of(pod.obj)):
        return None

    def refuse(node: Node) -> Sequence[str]:
        return [REASON] if is_cordoned(node.object) else FITS

    return refuse


FILTER = Filter("NodeUnschedulable", check, frozenset({Event.NODE_ADDED, Event.NODE_TAINTS}))
