"""Pure: a DaemonSet's status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.controllers.daemonset.placement import Eligibility
from wherry.controllers.daemonset.rollout import is_new
from wherry.controllers.pods import available_in
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import is_ready


def new_status(
    daemon_set: Object,
    eligible: Mapping[str, Eligibility],
    pods: Mapping[str, Sequence[Object]],
    digest: str,
    now: float,
) -> Object:
    """Return the numbers over all nodes; a node counts once, by its oldest pod."""
    min_ready = daemon_set["spec"].get("minReadySeconds", 0)
    wanted = [n for n, may in eligible.items() if may.run]
    first = {n: _oldest(pods[n]) for n in wanted if pods.get(n)}
    available = sum(available_in(p, min_ready, now) == 0 for p in first.values())
    status: Object = {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": sum(bool(pods.get(n)) for n, may in eligible.items() if not may.run),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(map(is_ready, first.values())),
        "observedGeneration": daemon_set["metadata"].get("generation", 0),
    }
    optional = {
        "updatedNumberScheduled": sum(is_new(p, digest) for p in first.values()),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
        "collisionCount": (daemon_set.get("status") or {}).get("collisionCount"),
    }
    return status | {name: value for name, value in optional.items() if value}


def _oldest(pods: Sequence[Object]) -> Object:
    return min(pods, key=lambda p: (metadata.is_being_deleted(p), p["metadata"].get("creationTimestamp", "")))
