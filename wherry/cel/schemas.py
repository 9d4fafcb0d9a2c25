"""What a structural schema says to the checker of types: each object with properties is a message.

Source: k8s.io/apiserver pkg/cel/common/schemas.go (SchemaDeclType).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from cel_expr_python import cel
from google.protobuf import descriptor_pb2

from wherry.cel import opaque
from wherry.cel.names import escape
from wherry.objects.structural.walking import Schema, additional, items

_FIELD = descriptor_pb2.FieldDescriptorProto
_ANYTHING = ".google.protobuf.Value"
_TIMES = {"date": "Timestamp", "date-time": "Timestamp", "datetime": "Timestamp", "duration": "Duration"}
_SCALARS = {
    "string": (_FIELD.TYPE_STRING, "StringValue"),
    "integer": (_FIELD.TYPE_INT64, "Int64Value"),
    "number": (_FIELD.TYPE_DOUBLE, "DoubleValue"),
    "boolean": (_FIELD.TYPE_BOOL, "BoolValue"),
}
_TYPES = {
    ("string", ""): cel.Type.STRING,
    ("string", "byte"): cel.Type.BYTES,
    ("string", "duration"): cel.Type.DURATION,
    **{("string", format): cel.Type.TIMESTAMP for format in ("date", "date-time", "datetime")},
    ("integer", ""): cel.Type.INT,
    ("number", ""): cel.Type.DOUBLE,
    ("boolean", ""): cel.Type.BOOL,
    ("array", ""): cel.Type.List(cel.Type.DYN),
}
_OF_EVERY_OBJECT: Mapping[str, Schema] = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"type": "object", "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}}},
}


def with_metadata(schema: Schema) -> Schema:
    """Return the schema of a whole object, with what every object has."""
    return {**schema, "properties": {**(schema.get("properties") or {}), **_OF_EVERY_OBJECT}}


class Types:
    """The types of one schema, made once and kept: `pool` has the messages, `of` the type of a schema within."""

    def __init__(self) -> None:
        self.pool = opaque.new_pool()
        self._numbers = count()

    def of(self, schema: Schema | None) -> Any:
        """Return cel-cpp's type for a schema; None: anything."""
        if schema is None or _is_anything(schema):
            return cel.Type.DYN
        if (inner := items(schema)) is not None:
            return cel.Type.List(self.of(inner))
        if (rest := _values(schema)) is not None:
            return cel.Type.Map(cel.Type.STRING, self.of(rest))
        if schema.get("type") == "object":
            return cel.Type(self._add(schema))
        return _TYPES.get((schema["type"], schema.get("format", ""))) or _TYPES[schema["type"], ""]

    def _add(self, schema: Schema) -> str:
        number = next(self._numbers)
        file = descriptor_pb2.FileDescriptorProto(name=f"schema{number}.proto", package=f"schema{number}")
        file.dependency.extend(f"google/protobuf/{name}.proto" for name in opaque.WELL_KNOWN)
        _message(file.message_type.add(name="Object"), schema, f".schema{number}.Object")
        self.pool.Add(file)
        return f"schema{number}.Object"


def _is_anything(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-int-or-string")) or schema.get("type") not in (*_SCALARS, "array", "object")


def _values(schema: Schema) -> Schema | None:
    """Return the schema of the values of a map, None for an object with properties or none."""
    return None if schema.get("properties") else additional(schema)


def _message(message: Any, schema: Schema, place: str) -> None:
    if schema.get("x-kubernetes-embedded-resource"):
        schema = with_metadata(schema)
    known = {escape(name): inner for name, inner in (schema.get("properties") or {}).items()}
    taken = {name for name in known if name is not None}
    for number, (name, inner) in enumerate(known.items(), 1):
        if name is not None:
            _field(message, name, number, inner, place, taken)


def _field(message: Any, name: str, number: int, schema: Schema, place: str, taken: set[str]) -> None:
    """Add a field; a map whose entries' name is `taken` may be anything."""
    field = message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
    entry_name = f"{_camel(name)}Entry"
    if (inner := items(schema)) is not None and not _is_anything(schema):
        field.label = _FIELD.LABEL_REPEATED
        _one(message, field, inner, f"Object__{number}", place)
    elif (rest := _values(schema)) is not None and not _is_anything(schema) and entry_name not in taken:
        taken.add(entry_name)
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        value = entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL)
        _one(message, value, rest, f"Object__{number}", place)
        field.label = _FIELD.LABEL_REPEATED
        _refer(field, f"{place}.{entry.name}")
    else:
        _one(message, field, schema, f"Object__{number}", place)


def _one(message: Any, field: Any, schema: Schema, name: str, place: str) -> None:
    """Give a field the type of one value; what has no name in protobuf, such as a list of lists, may be anything."""
    type_, format = schema.get("type"), schema.get("format", "")
    if not _is_anything(schema) and type_ in _SCALARS:
        scalar, wrapper = _SCALARS[type_]
        if type_ == "string" and format in _TIMES:
            _refer(field, f".google.protobuf.{_TIMES[format]}")
        elif schema.get("nullable"):
            _refer(field, f".google.protobuf.{wrapper}")
        else:
            field.type = _FIELD.TYPE_BYTES if type_ == "string" and format == "byte" else scalar
    elif type_ == "object" and not _is_anything(schema) and _values(schema) is None:
        _refer(field, f"{place}.{name}")
        _message(message.nested_type.add(name=name), schema, field.type_name)
    else:
        _refer(field, _ANYTHING)


def _refer(field: Any, type_name: str) -> None:
    field.type, field.type_name = _FIELD.TYPE_MESSAGE, type_name


def _camel(name: str) -> str:
    """Return the name of a map field as protobuf's compiler writes it before `Entry`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
