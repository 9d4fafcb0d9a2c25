"""Pure: a StatefulSet's status.

Source: upstream pkg/controller/statefulset/stateful_set_control.go (updateStatus) and stateful_set_utils.go
(completeUpdate).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.controllers.pods import is_available
from wherry.controllers.statefulset.identity import Revisions, revision_of
from wherry.objects import Object
from wherry.objects.meaning.pods import is_ready
from wherry.objects.metadata import is_being_deleted


def new_status(stateful_set: Object, pods: Sequence[Object], revisions: Revisions, now: float) -> Object:
    """Return the status for these pods; an update is over when all of them are new and ready."""
    spec, before = stateful_set["spec"], stateful_set.get("status") or {}
    wanted, min_ready = spec.get("replicas", 1), spec.get("minReadySeconds", 0)
    current, update = (r["metadata"]["name"] for r in revisions)
    ready = [p for p in pods if (p.get("status") or {}).get("phase") == "Running" and is_ready(p)]
    staying = [p for p in pods if not is_being_deleted(p)]
    updated = sum(revision_of(p) == update for p in staying)
    if updated == len(ready) == len(pods) == wanted:
        current = update
    counts = {
        "readyReplicas": len(ready),
        "currentReplicas": sum(revision_of(p) == current for p in staying),
        "updatedReplicas": updated,
    }
    status: Object = {
        "observedGeneration": stateful_set["metadata"].get("generation", 0),
        "replicas": len(pods),
        "availableReplicas": sum(is_available(p, min_ready, now) for p in ready),
        "collisionCount": before.get("collisionCount") or 0,
        "currentRevision": current,
        "updateRevision": update,
    }
    kept = {"conditions": before["conditions"]} if before.get("conditions") else {}
    return status | {name: count for name, count in counts.items() if count} | kept
