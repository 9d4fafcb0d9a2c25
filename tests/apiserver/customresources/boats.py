"""A definition with a bit of everything."""

from __future__ import annotations

from typing import Any

from wherry.objects import Object
from wherry.objects.resource import Resource

BOATS = Resource("harbour.example", "v1", "boats", "Boat")
SPEC: Object = {
    "type": "object",
    "required": ["length"],
    "properties": {
        "length": {"type": "integer", "minimum": 1, "maximum": 400, "description": "From bow to stern, in metres."},
        "colour": {"type": "string", "enum": ["red", "blue"], "default": "blue"},
        "berths": {"type": "integer", "default": 2},
        "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "crew": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
            },
        },
        "draught": {"x-kubernetes-int-or-string": True},
    },
}
STATUS: Object = {
    "type": "object",
    "properties": {"berths": {"type": "integer"}, "selector": {"type": "string"}, "phase": {"type": "string"}},
}


def version(name: str = "v1", **changes: Any) -> Object:
    made: Object = {
        "name": name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": SPEC, "status": STATUS}}},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.berths",
                "statusReplicasPath": ".status.berths",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Length", "type": "integer", "jsonPath": ".spec.length"},
            {"name": "Phase", "type": "string", "jsonPath": ".status.phase", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "selectableFields": [{"jsonPath": ".spec.colour"}],
    }
    return made | changes


def definition(*versions: Object, **spec: Any) -> Object:
    """Return a CustomResourceDefinition of boats."""
    names = {"plural": "boats", "kind": "Boat", "shortNames": ["bo"], "categories": ["all"]}
    made = {
        "group": BOATS.group,
        "scope": "Namespaced",
        "names": names,
        "versions": list(versions) or [version()],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "boats.harbour.example"},
        "spec": made | spec,
    }


def boat(name: str = "one", length: Any = 12, **spec: Any) -> Object:
    return {
        "apiVersion": BOATS.api_version,
        "kind": "Boat",
        "metadata": {"name": name},
        "spec": {"length": length, **spec},
    }
