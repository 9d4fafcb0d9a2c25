"""RuntimeClass (node.k8s.io/v1): what is to run a pod's containers. Pods take from it in `core/pods/podruntime.py`.

Source: k8s.io/kubernetes pkg/apis/node/validation/validation.go, pkg/printers/internalversion/printers.go
(printRuntimeClass).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks, objectmeta
from wherry.apiserver.kinds.core import resourcelist, taints
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import RUNTIME_CLASSES


def _validate(obj: Object) -> list[FieldError]:
    errors = checks.required_name("handler", obj.get("handler"), names.dns_label)
    for name, amount in ((obj.get("overhead") or {}).get("podFixed") or {}).items():
        path = f"overhead.podFixed[{name}]"
        errors += resourcelist.validate_name(path, name) + resourcelist.validate_amount(path, name, amount)
    scheduling = obj.get("scheduling") or {}
    errors += objectmeta.validate_labels("scheduling.nodeSelector", scheduling.get("nodeSelector") or {})
    tolerations = scheduling.get("tolerations") or []
    errors += taints.validate_tolerations("scheduling.tolerations", tolerations)
    for i, toleration in enumerate(tolerations):
        if toleration in tolerations[:i]:
            errors.append(fields.duplicate(f"scheduling.tolerations[{i}]", toleration))
    return errors


RUNTIME_CLASS = Kind(
    resource=RUNTIME_CLASSES,
    validate=_validate,
    validate_update=lambda new, old: checks.immutable("handler", new.get("handler"), old.get("handler")),
    columns=(Column("Handler", lambda obj: cells.text(obj, "handler")),),
)
