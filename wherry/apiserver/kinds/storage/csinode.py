"""CSINode (storage.k8s.io/v1): which drivers a node has.

Source: k8s.io/kubernetes pkg/apis/storage/validation/validation.go (ValidateCSINode).
"""

from __future__ import annotations

from typing import Any

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import CSI_NODES

_LONGEST_NODE_ID = 256


def _validate_node(obj: Object) -> list[FieldError]:
    errors, seen = [], set()
    for i, driver in enumerate(obj["spec"].get("drivers") or ()):
        path, name, node_id = f"spec.drivers[{i}]", driver.get("name") or "", driver.get("nodeID") or ""
        errors += csi.driver_name(f"{path}.name", name)
        if not node_id:
            errors.append(fields.required(f"{path}.nodeID"))
        elif len(node_id) > _LONGEST_NODE_ID:
            text = f"must be {_LONGEST_NODE_ID} characters or less"
            errors.append(fields.invalid(f"{path}.nodeID", node_id, text))
        errors += checks.nonnegative(f"{path}.allocatable.count", (driver.get("allocatable") or {}).get("count"))
        if name in seen:
            errors.append(fields.duplicate(f"{path}.name", name))
        seen.add(name)
        errors += _topology_keys(path, driver.get("topologyKeys") or ())
    return errors


def _topology_keys(path: str, keys: Any) -> list[FieldError]:
    errors: list[FieldError] = []
    for i, key in enumerate(keys):
        if not key:
            errors.append(fields.required(path))
        if key in keys[:i]:
            errors.append(fields.duplicate(path, key))
        errors += checks.named(path, key, names.qualified_name)
    return errors


def _validate_node_update(new: Object, old: Object) -> list[FieldError]:
    before = {driver["name"]: driver for driver in old["spec"].get("drivers") or ()}
    return [
        error
        for driver in new["spec"].get("drivers") or ()
        if driver["name"] in before
        for error in checks.immutable("spec.drivers", _fixed(driver), _fixed(before[driver["name"]]))
    ]


def _fixed(driver: Object) -> Object:
    return {key: value for key, value in driver.items() if key != "allocatable"}


CSI_NODE = Kind(
    resource=CSI_NODES,
    default=lambda obj: obj.update(spec=obj.get("spec") or {}),
    validate=_validate_node,
    validate_update=_validate_node_update,
    columns=(Column("Drivers", lambda obj: len((obj.get("spec") or {}).get("drivers") or ()), "integer"),),
)
