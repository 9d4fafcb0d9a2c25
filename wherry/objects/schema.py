"""What a typed API server makes of a JSON object: unknown fields dropped, wrong types refused, canonical values.

`typed` does to an object what decoding into the Go type and encoding again does upstream: unknown fields and nulls go,
fields marked `omitempty` go when empty, structs and plain values that Go always writes appear (`status: {}`),
quantities, times and base64 are rewritten canonically. One difference: where Go writes `null` (an absent list that is
not `omitempty`), the field is absent. A custom resource is what its `Shape` makes of it; a kind that nobody describes
passes unchanged.

Source of the messages: sigs.k8s.io/json (unmarshal and strict errors), k8s.io/apiserver
pkg/endpoints/handlers/create.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object, repeats
from wherry.objects.conversion import struct
from wherry.objects.definitions import GroupVersionKind, Type, by_name, of_kind
from wherry.objects.errors import BadRequest
from wherry.objects.metadata import copy
from wherry.objects.scalars import Unreadable
from wherry.objects.structural.shape import Shape

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
MOST_WARNINGS = 100
"""How many complaints about one body upstream gathers."""


def typed(
    obj: Object,
    gvk: GroupVersionKind,
    type_: Type | Shape | None = None,
    *,
    strict: bool = False,
    noted: Sequence[str] = (),
) -> tuple[Object, list[str]]:
    """Return `obj` as kind `gvk` carries it, a new object, and the warnings about what was dropped.

    `type_` is what the kind looks like where Kubernetes' own schema does not say. A value of the wrong JSON type raises
    BadRequest. With `strict` (fieldValidation=Strict) unknown and duplicate fields (of a body that `repeats.read` has
    read), and `noted`, complaints from before, raise BadRequest too; otherwise they are the warnings
    (fieldValidation=Warn sends them), in the order of the document.
    """
    type_ = type_ or of_kind(gvk)
    warnings = list(noted)
    if type_ is None:
        warnings += [f'duplicate field "{path}"' for path in repeats.paths(obj)]
    try:
        if isinstance(type_, Shape):
            result = type_.typed(obj, warnings)
        else:
            result = struct(type_)(obj, warnings, "") if type_ is not None else _untyped(obj, warnings)
    except Unreadable as error:
        raise BadRequest(_cannot_handle(gvk, str(error))) from error
    warnings = list(dict.fromkeys(warnings))[:MOST_WARNINGS]
    if strict and warnings:
        raise BadRequest(_cannot_handle(gvk, f"strict decoding error: {', '.join(warnings)}"))
    return result, warnings


def _untyped(obj: Object, warnings: list[str]) -> Object:
    """Return a copy of an object of which only the metadata has a type."""
    result = copy(obj)
    if (metadata := obj.get("metadata")) is not None:
        result["metadata"] = struct(by_name(_METADATA))(metadata, warnings, "metadata")
    return result


def _cannot_handle(gvk: GroupVersionKind, why: str) -> str:
    _, version, kind = gvk
    return f'{kind} in version "{version}" cannot be handled as a {kind}: {why}'
