"""What the kinds with a pod template say. Source: k8s.io/api core/v1 types.go (ReplicationControllerSpec), apps/v1."""

from __future__ import annotations

from wherry.objects import Object, metadata, selectors
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


NOT_ITS_OWN = "the labels of its template are not what its selector asks for: what it creates would not be its own"


def is_own(workload: Object, made: Object) -> bool:
    """Return whether a workload will know what it makes again: else it would make more, for ever.

    The API server refuses such a workload; a store may have it all the same.
    """
    return selector(workload).matches(metadata.labels(made))
