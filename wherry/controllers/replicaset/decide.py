"""Pure: the pods a ReplicaSet lacks or has too many, and its status.

Source: upstream pkg/controller/replicaset (replica_set.go, replica_set_utils.go).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wherry.controllers.pods import available_in, deletion_order
from wherry.objects import Object
from wherry.objects.meaning.pods import is_active, is_ready
from wherry.objects.metadata import labels, set_condition
from wherry.objects.timestamps import rfc3339

BURST = 500
"""The most pods created or deleted for one ReplicaSet at a time."""


class Difference(NamedTuple):
    """How many pods to create, and which to delete; never both."""

    create: int
    delete: list[Object]


def difference(wanted: int, active: Sequence[Object], related: Iterable[Object], now: float) -> Difference:
    """Compare `active` pods with the `wanted` number; `related` are the pods of all ReplicaSets of the same owner."""
    surplus = len(active) - wanted
    if surplus <= 0:
        return Difference(min(-surplus, BURST), [])
    on_node = Counter(p["spec"].get("nodeName", "") for p in related if is_active(p))
    return Difference(0, deletion_order(active, on_node, now)[: min(surplus, BURST)])


def new_status(replica_set: Object, active: Sequence[Object], failure: str, shrinking: bool, now: float) -> Object:
    """Return the status for these pods; `failure` tells what went wrong with the last change of them ("": nothing)."""
    spec = replica_set["spec"]
    template_labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    min_ready = spec.get("minReadySeconds", 0)
    counts = {
        "fullyLabeledReplicas": sum(template_labels.items() <= labels(p).items() for p in active),
        "readyReplicas": sum(map(is_ready, active)),
        "availableReplicas": sum(available_in(p, min_ready, now) == 0 for p in active),
        "observedGeneration": replica_set["metadata"].get("generation", 0),
    }
    status: Object = {"replicas": len(active)} | {name: n for name, n in counts.items() if n}
    conditions = _conditions(replica_set, failure, shrinking, now)
    if conditions:
        status["conditions"] = conditions
    return status


def _conditions(replica_set: Object, failure: str, shrinking: bool, now: float) -> list[Object]:
    old = (replica_set.get("status") or {}).get("conditions") or []
    if not failure:
        return [c for c in old if c["type"] != "ReplicaFailure"]
    reason = "FailedDelete" if shrinking else "FailedCreate"
    return set_condition(old, "ReplicaFailure", "True", reason, failure, rfc3339(now))
