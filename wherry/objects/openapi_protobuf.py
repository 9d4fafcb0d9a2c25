"""The OpenAPI v2 document as a gnostic `openapi.v2.Document`: the only form kubectl up to 1.26 asks for.

gnostic's messages mirror the JSON document: a map becomes a list of name-value pairs, a choice a oneof, an extension or
default value text in YAML (JSON is YAML). So the conversion is driven by the message descriptors, `openapi_v2.bin`,
which scripts/distil-schema compiles from gnostic's OpenAPIv2.proto. The protobuf library is loaded on the first call.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from wherry.objects import Object

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


def swagger_protobuf(swagger: Object) -> bytes:
    """Return the serialized Document of an OpenAPI v2 document."""
    document = _document_class()()
    _fill(document, swagger)
    return bytes(document.SerializeToString())


@cache
def _document_class() -> Any:
    from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    described = descriptor_pb2.FileDescriptorSet.FromString(Path(__file__).with_name("openapi_v2.bin").read_bytes())
    for file in described.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("openapi.v2.Document"))


def _fill(message: Any, value: Any) -> None:
    """Set `message` to what the JSON `value` stands for in its place."""
    kind = message.DESCRIPTOR.name
    if message.DESCRIPTOR.oneofs:
        _fill(getattr(message, _choice(kind, value)), value)
    elif kind == "Any":
        message.yaml = json.dumps(value, separators=(",", ":"))
    elif kind == "TypeItem":
        message.value.append(value)
    elif kind == "ItemsItem":
        _fill(message.schema.add(), value)
    else:
        for key, item in value.items():
            _set(message, key, item)


def _choice(kind: str, value: Object) -> str:
    """Return which member of a oneof a value is."""
    match kind:
        case "ParametersItem":
            return "parameter"
        case "Parameter":
            return "body_parameter" if value["in"] == "body" else "non_body_parameter"
        case "NonBodyParameter":
            return f"{value['in']}_parameter_sub_schema"
        case "ResponseValue":
            return "response"
    return "schema"  # SchemaItem, AdditionalPropertiesItem


def _set(message: Any, key: str, value: Any) -> None:
    kind = message.DESCRIPTOR.name
    if key.startswith("x-"):
        _fill_named(message.vendor_extension, key, value)
    elif kind == "Paths":
        _fill_named(message.path, key, value)
    elif kind == "Responses":
        _fill_named(message.response_code, key, value)
    elif list(message.DESCRIPTOR.fields_by_name) == ["additional_properties"]:
        _fill_named(message.additional_properties, key, value)
    else:
        field = message.DESCRIPTOR.fields_by_name[_field_name(key)]
        if field.message_type is None:
            _set_plain(message, field.name, value)
        elif isinstance(value, list):
            for item in value:
                _fill(getattr(message, field.name).add(), item)
        else:
            getattr(message, field.name).SetInParent()
            _fill(getattr(message, field.name), value)


def _set_plain(message: Any, name: str, value: Any) -> None:
    if isinstance(value, list):
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value)


def _fill_named(pairs: Any, name: str, value: Any) -> None:
    pair = pairs.add(name=name)
    pair.value.SetInParent()
    _fill(pair.value, value)


@cache
def _field_name(key: str) -> str:
    """Return the snake_case field of a JSON key: `_ref` of `$ref`, `operation_id` of `operationId`."""
    return re.sub("[A-Z]", lambda match: "_" + match[0].lower(), key.replace("$", "_"))
