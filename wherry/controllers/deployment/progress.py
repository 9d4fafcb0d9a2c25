"""Pure: a Deployment's status: counts, and the conditions Available, Progressing and ReplicaFailure.

Source of reasons and messages: upstream pkg/controller/deployment/progress.go, sync.go (`calculateStatus`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wherry.controllers.deployment.rollout import RolloutBounds
from wherry.objects import Object
from wherry.objects.timestamps import parse, rfc3339

COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
NO_DEADLINE = 2**31 - 1


def find(conditions: Iterable[Object], kind: str) -> Object | None:
    """Return the condition of type `kind`, or None."""
    return next((c for c in conditions if c["type"] == kind), None)


def make(kind: str, status: str, reason: str, message: str, now: float) -> Object:
    """Return a Deployment condition; unlike others it also tells when it was last updated."""
    at = rfc3339(now)
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }


def put(conditions: Sequence[Object], new: Object, *, refresh: bool = False) -> list[Object]:
    """Return the conditions with `new` among them; status and reason as before change nothing, unless `refresh`."""
    old = find(conditions, new["type"])
    if old is not None and old["status"] == new["status"]:
        if old.get("reason") == new["reason"] and not refresh:
            return list(conditions)
        new = new | {"lastTransitionTime": old.get("lastTransitionTime", new["lastTransitionTime"])}
    return [*(c for c in conditions if c["type"] != new["type"]), new]


def has_deadline(deployment: Object) -> bool:
    """Return whether the Deployment asks to be told when a rollout stands still."""
    return int(deployment["spec"].get("progressDeadlineSeconds", NO_DEADLINE)) < NO_DEADLINE


def counts(
    deployment: Object, limits: RolloutBounds, new: Object | None, replica_sets: Sequence[Object], now: float
) -> Object:
    """Return the status with its numbers and the Available condition; other conditions are as they were."""
    old = deployment.get("status") or {}
    available = _sum(replica_sets, "availableReplicas")
    wanted = sum(r["spec"].get("replicas", 1) for r in replica_sets)
    numbers = {
        "replicas": _sum(replica_sets, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(replica_sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
        "observedGeneration": deployment["metadata"].get("generation", 0),
    }
    status: Object = {name: n for name, n in numbers.items() if n}
    if old.get("collisionCount") is not None:
        status["collisionCount"] = old["collisionCount"]
    if available >= limits.least:
        condition = make("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now)
    else:
        text = "Deployment does not have minimum availability."
        condition = make("Available", "False", "MinimumReplicasUnavailable", text, now)
    status["conditions"] = put(old.get("conditions") or [], condition)
    return status


def _sum(replica_sets: Iterable[Object], field: str) -> int:
    return sum((r.get("status") or {}).get(field, 0) for r in replica_sets)


def is_complete(deployment: Object, status: Object) -> bool:
    """Return whether all pods are of the newest template, available, and no other is left."""
    wanted = deployment["spec"].get("replicas", 1)
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    filled = all(status.get(n, 0) == wanted for n in ("updatedReplicas", "replicas", "availableReplicas"))
    return bool(observed and filled)


def _progressed(before: Object, after: Object) -> bool:
    def outdated(status: Object) -> int:
        return int(status.get("replicas", 0)) - int(status.get("updatedReplicas", 0))

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return outdated(after) < outdated(before) or any(after.get(n, 0) > before.get(n, 0) for n in grown)


def deadline(deployment: Object, conditions: Sequence[Object]) -> float | None:
    """Return when the rollout times out (seconds since the epoch) if nothing moves, or None when it cannot."""
    progressing = find(conditions, "Progressing")
    if not has_deadline(deployment) or progressing is None or progressing.get("reason") in (COMPLETE, TIMED_OUT):
        return None
    updated = progressing.get("lastUpdateTime") or progressing["lastTransitionTime"]
    return parse(updated) + int(deployment["spec"]["progressDeadlineSeconds"])


def judged(deployment: Object, status: Object, new: Object | None, now: float) -> list[Object]:
    """Return the conditions of `status` with a judgement on the rollout's progress."""
    conditions: list[Object] = status["conditions"]
    if not has_deadline(deployment):
        return [c for c in conditions if c["type"] != "Progressing"]
    current = find(conditions, "Progressing")
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if settled and current is not None and current.get("reason") == COMPLETE:
        return conditions
    what = f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    if is_complete(deployment, status):
        return put(conditions, make("Progressing", "True", COMPLETE, f"{what} has successfully progressed.", now))
    if _progressed(deployment.get("status") or {}, status):
        condition = make("Progressing", "True", "ReplicaSetUpdated", f"{what} is progressing.", now)
        return put(conditions, condition, refresh=True)
    due = deadline(deployment, conditions)
    if due is not None and due < now:
        return put(conditions, make("Progressing", "False", TIMED_OUT, f"{what} has timed out progressing.", now))
    return conditions


def paused(deployment: Object, conditions: list[Object], now: float) -> list[Object]:
    """Return the conditions with pausing and resuming noted, so that a pause does not count as standing still."""
    if not has_deadline(deployment):
        return conditions
    current = find(conditions, "Progressing")
    reason = current.get("reason") if current else None
    if reason == TIMED_OUT:
        return conditions
    is_paused = bool(deployment["spec"].get("paused"))
    if is_paused and reason != PAUSED:
        return put(conditions, make("Progressing", "Unknown", PAUSED, "Deployment is paused", now))
    if not is_paused and reason == PAUSED:
        return put(conditions, make("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", now))
    return conditions


def failures(conditions: list[Object], new: Object | None, replica_sets: Iterable[Object], now: float) -> list[Object]:
    """Return the conditions with the ReplicaSets' ReplicaFailure passed on, the new one's first."""
    for replica_set in [*([new] if new else []), *replica_sets]:
        failed = find((replica_set.get("status") or {}).get("conditions") or (), "ReplicaFailure")
        if failed is not None:
            condition = make(
                "ReplicaFailure", failed["status"], failed.get("reason", ""), failed.get("message", ""), now
            )
            return put(conditions, condition)
    return [c for c in conditions if c["type"] != "ReplicaFailure"]
