"""Objects inside objects (`x-kubernetes-embedded-resource`): they have an apiVersion, a kind, and good metadata.

Source: apiextensions-apiserver pkg/apiserver/schema/objectmeta (validation.go, coerce.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.objects import Object, fields, names
from wherry.objects.conversion import struct
from wherry.objects.definitions import by_name
from wherry.objects.errors import FieldError
from wherry.objects.scalars import Unreadable
from wherry.objects.structural.walking import Schema, child, items

METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def coerce(value: Any, schema: Schema | None, dropped: list[str], path: str = "") -> None:
    """Give the metadata of embedded objects its canonical form, in place; what cannot be read is left for `errors`."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            coerce(item, items(schema), dropped, f"{path}[{i}]")
    if not isinstance(value, dict) or schema is None:
        return
    if schema.get("x-kubernetes-embedded-resource") and isinstance(value.get("metadata"), dict):
        try:
            value["metadata"] = struct(by_name(METADATA))(value["metadata"], dropped, f"{path}.metadata")
        except Unreadable:
            return
    for name, item in value.items():
        coerce(item, child(schema, name), dropped, f"{path}.{name}" if path else name)


def errors(value: Any, schema: Schema | None, path: str = "") -> Iterator[FieldError]:
    """Yield what is wrong with the embedded objects in `value`."""
    if schema is None:
        return
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from errors(item, items(schema), f"{path}[{i}]")
    elif isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            yield from _type(value, "apiVersion", path)
            yield from _type(value, "kind", path)
            yield from _metadata(value, path)
        for name, item in value.items():
            known = name in (schema.get("properties") or {})
            place = (f"{path}.{name}" if path else name) if known else f"{path}[{name}]"
            yield from errors(item, child(schema, name), place)


def _type(value: Object, field: str, path: str) -> Iterator[FieldError]:
    place, found = f"{path}.{field}", value.get(field)
    if field not in value:
        yield fields.required(place)
    elif not isinstance(found, str):
        yield fields.invalid(place, found, "must be a string")
    elif not found:
        yield fields.invalid(place, found, "must not be empty")
    elif field == "apiVersion" and found.count("/") > 1:
        yield fields.invalid(place, found, f"unexpected GroupVersion string: {found}")
    elif field == "kind" and (wrong := names.service_name(found.lower())):
        text = "may have mixed case, but should otherwise match: " + ",".join(wrong)
        yield fields.invalid(place, found, text)


def _metadata(value: Object, path: str) -> Iterator[FieldError]:
    if "metadata" not in value:
        return
    place, found = f"{path}.metadata", value["metadata"]
    try:
        metadata = struct(by_name(METADATA))(found, [], "")
    except Unreadable as error:
        yield fields.invalid(place, found, str(error))
        return
    for message in names.path_segment(metadata.get("name") or "fakename"):
        yield fields.invalid(f"{place}.name", metadata["name"], message)
    for key in metadata.get("labels") or {}:
        for message in names.label_key(key):
            yield fields.invalid(f"{place}.labels", key, message)
