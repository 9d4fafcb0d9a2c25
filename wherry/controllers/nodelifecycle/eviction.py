"""Pure: when a pod must leave a node with NoExecute taints."""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.taints import NO_EXECUTE, taints_of, tolerates, tolerations_of
from wherry.objects.timestamps import parse


def leaves_at(pod: Object, node: Object, now: float) -> float | None:
    """Return when the pod must go (a time at or before `now`: at once), or None when it may stay.

    Every taint must be tolerated. A toleration without tolerationSeconds lasts for ever; of several with seconds that
    cover one taint, and of several taints, the shortest counts, from the time the taint was added.
    """
    deadlines = []
    for taint in taints_of(node):
        if taint["effect"] != NO_EXECUTE:
            continue
        covering = [t for t in tolerations_of(pod) if tolerates(t, taint)]
        if not covering:
            return now
        limits = [t["tolerationSeconds"] for t in covering if t.get("tolerationSeconds") is not None]
        if limits:
            added = parse(taint["timeAdded"]) if taint.get("timeAdded") else now
            deadlines.append(added + max(0, min(limits)))
    return min(deadlines, default=None)
