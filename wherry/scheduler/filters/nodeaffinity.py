"""nodeSelector and required node affinity."""

from __future__ import annotations

from wherry.objects.nodeaffinity import REQUIRED, admits
from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

REASON = "node(s) didn't match Pod's node affinity/selector"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes without the labels asked for."""
    affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
    if not pod.spec.get("nodeSelector") and REQUIRED not in affinity:
        return None
    return lambda node: FITS if admits(pod.spec, node.object) else [REASON]


FILTER = Filter("NodeAffinity", check, frozenset({Event.NODE_ADDED, Event.NODE_LABELS}))
