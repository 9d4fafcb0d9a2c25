"""What a typed API server makes of a JSON object: unknown fields dropped, wrong types refused, canonical values.

`typed` does to an object what decoding into the Go type and encoding again does upstream: unknown fields and nulls go,
fields marked `omitempty` go when empty, structs and plain values that Go always writes appear (`status: {}`),
quantities, times and base64 are rewritten canonically. One difference: where Go writes `null` (an absent list that is
not `omitempty`), the field is absent. A kind the schema does not know (a custom resource) passes unchanged.

Source of the messages: sigs.k8s.io/json (unmarshal and strict errors), k8s.io/apiserver
pkg/endpoints/handlers/create.go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from wherry.objects import Object
from wherry.objects.conversion import join, struct
from wherry.objects.definitions import GroupVersionKind, Type, of_kind
from wherry.objects.errors import BadRequest
from wherry.objects.metadata import copy
from wherry.objects.scalars import Unreadable


def typed(
    obj: Object,
    gvk: GroupVersionKind,
    type_: Type | None = None,
    *,
    strict: bool = False,
    duplicates: Sequence[str] = (),
) -> tuple[Object, list[str]]:
    """Return `obj` as kind `gvk` carries it, a new object, and the warnings about what was dropped.

    `type_` is what the kind looks like where Kubernetes' own schema does not say. A value of the wrong JSON type raises
    BadRequest. With `strict` (fieldValidation=Strict) unknown fields and `duplicates` (from `duplicate_fields`) raise
    BadRequest too; otherwise they are the warnings (fieldValidation=Warn sends them).
    """
    type_ = type_ or of_kind(gvk)
    if type_ is None:
        return copy(obj), list(duplicates)
    warnings = list(duplicates)
    try:
        result = struct(type_)(obj, warnings, "")
    except Unreadable as error:
        raise BadRequest(_cannot_handle(gvk, str(error))) from error
    if strict and warnings:
        raise BadRequest(_cannot_handle(gvk, f"strict decoding error: {', '.join(warnings)}"))
    return result, warnings


def duplicate_fields(body: bytes) -> list[str]:
    """Return a message for each field given twice in one object of a JSON body; ValueError where it is not JSON."""
    found: list[str] = []
    repeated: dict[int, list[str]] = {}

    def pairs(items: list[tuple[str, Any]]) -> Object:
        result = dict(items)
        if len(result) != len(items):
            counts = Counter(name for name, _ in items)
            repeated[id(result)] = [name for name, count in counts.items() if count > 1]
        return result

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            found.extend(f'duplicate field "{join(path, name)}"' for name in repeated.get(id(value), ()))
            for name, item in value.items():
                walk(item, join(path, name))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                walk(item, f"{path}[{i}]")

    document = json.loads(body, object_pairs_hook=pairs)
    if repeated:
        walk(document, "")
    return found


def _cannot_handle(gvk: GroupVersionKind, why: str) -> str:
    _, version, kind = gvk
    return f'{kind} in version "{version}" cannot be handled as a {kind}: {why}'
