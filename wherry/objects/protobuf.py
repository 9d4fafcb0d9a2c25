"""API objects as `application/vnd.kubernetes.protobuf`: the magic `k8s\\0` and a runtime.Unknown around the message.

Driven by the schema's field numbers; `decode` gives the same JSON form as if the client had sent JSON. Source:
k8s.io/apimachinery pkg/runtime/serializer/protobuf, pkg/runtime/generated.proto, and each type's ProtobufMarshaller.
"""

from __future__ import annotations

import json

from wherry.objects import Object, messages
from wherry.objects.budget import Budget, OverBudget, check_value
from wherry.objects.definitions import GroupVersionKind, gvk_of, of_kind
from wherry.objects.errors import BadRequest, NotAcceptable
from wherry.objects.schema import typed
from wherry.objects.wire import WireError, first_fields, write_bytes

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\x00"
_TYPE_META, _RAW = 1, 2  # fields of runtime.Unknown
_API_VERSION, _KIND = 1, 2  # fields of runtime.TypeMeta


def decode(body: bytes, default: GroupVersionKind | None = None) -> Object:
    """Return the object of a protobuf body in its JSON form.

    `default` is the kind to take where the envelope names none. BadRequest where the body is no such message, is more
    than a budget allows, or its kind has no schema.
    """
    if not body.startswith(MAGIC):
        raise BadRequest("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    try:
        envelope = first_fields(memoryview(body)[len(MAGIC) :])
        named = first_fields(envelope.get(_TYPE_META, b""))
        api_version, kind = (str(named.get(n, b""), "utf-8") for n in (_API_VERSION, _KIND))
        gvk = gvk_of({"apiVersion": api_version, "kind": kind})
        if default is not None and not kind:
            gvk = default
        type_ = of_kind(gvk)
        if type_ is None:
            raise BadRequest(f'no kind "{gvk[2]}" is registered for version "{_api_version(gvk)}"')
        obj = messages.read(type_, envelope.get(_RAW, b""), Budget())
        check_value(obj)
    except RecursionError as error:
        raise BadRequest("proto: message nested too deeply") from error
    except (WireError, UnicodeDecodeError, json.JSONDecodeError, OverBudget) as error:
        raise BadRequest(str(error)) from error
    return typed({"apiVersion": _api_version(gvk), "kind": gvk[2]} | obj, gvk)[0]


def encode(obj: Object) -> bytes:
    """Return the protobuf body of an object in typed form; NotAcceptable where its kind has no schema."""
    gvk = gvk_of(obj)
    type_ = of_kind(gvk)
    if type_ is None:
        raise NotAcceptable(f"object {gvk[2]} has no protobuf form")
    named = write_bytes(_API_VERSION, _api_version(gvk).encode()) + write_bytes(_KIND, gvk[2].encode())
    return MAGIC + write_bytes(_TYPE_META, named) + write_bytes(_RAW, messages.write(type_, obj))


def _api_version(gvk: GroupVersionKind) -> str:
    group, version, _ = gvk
    return f"{group}/{version}" if group else version
