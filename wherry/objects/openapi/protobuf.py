"""The OpenAPI v2 document as a gnostic `openapi.v2.Document`: the only form kubectl up to 1.26 asks for.

gnostic's messages mirror the JSON document: a map becomes a list of name-value pairs, a choice a oneof, an extension or
default value text in YAML (JSON is YAML). So the conversion is driven by the messages' fields, `openapi_v2.json`, which
scripts/distil-schema makes from gnostic's OpenAPIv2.proto: by message and field name its number and type (`#` before a
message's name, `[]` before what repeats).
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from wherry.objects import Object
from wherry.objects.wire import write_bytes, write_double, write_varint

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"

Messages = dict[str, dict[str, tuple[int, str]]]

_NAMED = {"Paths": "path", "Responses": "response_code"}
_EXTENSIONS, _ENTRIES = "vendor_extension", "additional_properties"
_SCALARS = {
    "string": lambda number, value: write_bytes(number, value.encode()),
    "bool": write_varint,
    "int64": write_varint,
    "double": write_double,
}


def swagger_protobuf(swagger: Object) -> bytes:
    """Return the serialized Document of an OpenAPI v2 document."""
    return _message("Document", swagger)


@cache
def _messages() -> dict[str, dict[str, tuple[int, str]]]:
    messages: dict[str, dict[str, tuple[int, str]]] = json.loads(
        Path(__file__).with_name("openapi_v2.json").read_bytes()
    )
    return messages


def _message(kind: str, value: Any) -> bytes:
    """Return the message `kind` of what the JSON `value` stands for in its place."""
    match kind:
        case "Any":
            return _field(kind, "yaml", json.dumps(value, separators=(",", ":")))
        case "TypeItem":
            return _field(kind, "value", value)
        case "ItemsItem":
            return _field(kind, "schema", value)
    if choice := _choice(kind, value):
        return _field(kind, choice, value)
    return b"".join(_member(kind, key, item) for key, item in value.items())


def _choice(kind: str, value: Object) -> str:
    """Return which member of a oneof a value is, "" where the message is none."""
    match kind:
        case "ParametersItem":
            return "parameter"
        case "Parameter":
            return "body_parameter" if value["in"] == "body" else "non_body_parameter"
        case "NonBodyParameter":
            return f"{value['in']}_parameter_sub_schema"
        case "ResponseValue":
            return "response"
        case "AdditionalPropertiesItem" if isinstance(value, bool):
            return "boolean"
        case "SchemaItem" | "AdditionalPropertiesItem":
            return "schema"
    return ""


def _member(kind: str, key: str, value: Any) -> bytes:
    if list(_messages()[kind]) == [_ENTRIES]:
        return _pair(kind, _ENTRIES, key, value)
    if key.startswith("x-"):
        return _pair(kind, _EXTENSIONS, key, value)
    if kind in _NAMED:
        return _pair(kind, _NAMED[kind], key, value)
    items = value if isinstance(value, list) else [value]
    return b"".join(_field(kind, _field_name(key), item) for item in items)


def _field(kind: str, name: str, value: Any) -> bytes:
    number, type_ = _messages()[kind][name]
    type_ = type_.removeprefix("[]")
    if type_.startswith("#"):
        return write_bytes(number, _message(type_[1:], value))
    return _SCALARS[type_](number, value)


def _pair(kind: str, field: str, name: str, value: Any) -> bytes:
    number, type_ = _messages()[kind][field]
    pair = type_.removeprefix("[]#")
    return write_bytes(number, _field(pair, "name", name) + _field(pair, "value", value))


@cache
def _field_name(key: str) -> str:
    """Return the snake_case field of a JSON key: `_ref` of `$ref`, `operation_id` of `operationId`."""
    return re.sub("[A-Z]", lambda match: "_" + match[0].lower(), key.replace("$", "_"))
