"""Claims: their volumes must be usable from the node, or be there to be had, or to be made, for it.

Source: upstream pkg/scheduler/framework/plugins/volumebinding.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects.meaning.volumes import claim_names
from wherry.scheduler.claims import all_usable
from wherry.scheduler.plugin import FITS, Check, Event, Everywhere, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

NO_AFFINITY = "node(s) didn't match PersistentVolume's node affinity"
NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"


def check(pod: Pod, snapshot: Snapshot) -> Check | Everywhere | None:
    """Refuse nodes from which a claim's volume cannot be used."""
    if not claim_names(pod.obj):
        return None
    claims = snapshot.claims
    if why := claims.obstacle(pod.obj):
        return Everywhere(why)
    bound, unbound = claims.bound(pod.obj), claims.unbound(pod.obj)

    def refuse(node: Node) -> Sequence[str]:
        if None in bound:
            return [GONE]
        if not all_usable(bound, node.object):
            return [NO_AFFINITY]
        return FITS if claims.choices(unbound, node.object) is not None else [NO_VOLUME]

    return refuse


FILTER = Filter(
    "VolumeBinding",
    check,
    frozenset({Event.NODE_ADDED, Event.NODE_LABELS, Event.CLAIM, Event.VOLUME, Event.STORAGE_CLASS}),
)
