"""A claim that is ReadWriteOncePod has one pod at a time (KEP-2485).

Source: upstream pkg/scheduler/framework/plugins/volumerestrictions.
"""

from __future__ import annotations

from wherry.objects.meaning.volumes import claim_names
from wherry.scheduler.plugin import Check, Event, Everywhere, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)


def check(pod: Pod, snapshot: Snapshot) -> Check | Everywhere | None:
    """Refuse every node while another pod has such a claim."""
    names = {
        name
        for name, claim in snapshot.claims.of_pod(pod.obj)
        if claim is not None and "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ())
    }
    if not names:
        return None
    others = (other for other, _ in snapshot.pods() if other.namespace == pod.namespace)
    if any(names & claim_names(other.obj) for other in others):
        return lambda node: [IN_USE]
    return None


FILTER = Filter("VolumeRestrictions", check, frozenset({Event.NODE_ADDED, Event.POD_REMOVED, Event.CLAIM}))
