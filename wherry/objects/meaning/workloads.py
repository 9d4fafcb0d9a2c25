"""What the kinds with a pod template say. Source: k8s.io/api core/v1 types.go (ReplicationControllerSpec), apps/v1."""

from __future__ import annotations

from wherry.objects import Object, selectors
from wherry.objects.resource import REPLICATION_CONTROLLERS
from wherry.objects.selectors import LabelSelector


def selector(workload: Object) -> LabelSelector:
    """Return which pods are a workload's; a malformed one selects nothing.

    A ReplicationController's is a map of labels, and an empty one selects nothing: it would be every pod.
    """
    found = (workload.get("spec") or {}).get("selector")
    if workload.get("kind") == REPLICATION_CONTROLLERS.kind:
        return selectors.from_labels(found) if found else selectors.NOTHING
    return selectors.stored(found)
