"""What ReplicaSets and ReplicationControllers show and count alike.

Source: k8s.io/kubernetes pkg/apis/apps/validation/validation.go (ValidateReplicaSetStatus), pkg/apis/core/validation
(ValidateReplicationControllerStatus), pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column
from wherry.apiserver.kinds.common import cells
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

_PARTS = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
COLUMNS = (
    Column("Desired", lambda obj: (obj.get("spec") or {}).get("replicas") or 0, "integer"),
    Column("Current", lambda obj: cells.status(obj, "replicas"), "integer"),
    Column("Ready", lambda obj: cells.status(obj, "readyReplicas"), "integer"),
)
FIELDS = {"status.replicas": lambda obj: str(cells.status(obj, "replicas"))}


def validate_status(obj: Object) -> list[FieldError]:
    """Check that no part of the replicas is larger than the whole."""
    status = obj.get("status") or {}
    return [
        fields.invalid(f"status.{key}", count, "cannot be greater than status.replicas")
        for key in _PARTS
        if (count := status.get(key) or 0) > (status.get("replicas") or 0)
    ]
