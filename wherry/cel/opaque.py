"""Values that only functions can look into: quantities, IP addresses, CIDRs, URLs, versions, the `authorizer`.

Each is a protobuf message of one canonical text, the one kind of value that passes through cel-cpp unread and compares
by what it says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

QUANTITY, IP, CIDR, URL, SEMVER = "Quantity", "IP", "CIDR", "URL", "Semver"
AUTHORIZER, PATH_CHECK, GROUP_CHECK, RESOURCE_CHECK = "Authorizer", "PathCheck", "GroupCheck", "ResourceCheck"
DECISION = "Decision"
_ALL = (QUANTITY, IP, CIDR, URL, SEMVER, AUTHORIZER, PATH_CHECK, GROUP_CHECK, RESOURCE_CHECK, DECISION)
_FIELDS = {AUTHORIZER: {"requestResource": RESOURCE_CHECK}}
"""What expressions may select of one: by kind, the kinds of its fields."""
WELL_KNOWN = ("any", "duration", "struct", "timestamp", "wrappers")


def new_pool() -> Any:
    """Return a pool of message types that has those of CEL itself and the opaque ones."""
    pool = descriptor_pool.DescriptorPool()
    for name in WELL_KNOWN:
        module = __import__(f"google.protobuf.{name}_pb2", fromlist=["DESCRIPTOR"])
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="kubernetes.proto", package="kubernetes", syntax="proto3")
    for name in _ALL:
        message = file.message_type.add(name=name)
        message.field.add(name="text", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
        for number, (key, kind) in enumerate(_FIELDS.get(name, {}).items(), 2):
            within = message.field.add(name=key, number=number, type=field.TYPE_MESSAGE, label=field.LABEL_OPTIONAL)
            within.type_name = f".kubernetes.{kind}"
    pool.Add(file)
    return pool


@cache
def common_pool() -> Any:
    """Return the pool that opaque values are made of."""
    return new_pool()


@cache
def _class(kind: str) -> Any:
    return message_factory.GetMessageClass(common_pool().FindMessageTypeByName(f"kubernetes.{kind}"))


def wrap(kind: str, text: str, **within: Any) -> Any:
    """Return the opaque value of a kind with a canonical text; `within` are the fields that may be selected."""
    return _class(kind)(text=text, **within)


def is_a(value: Any, kind: str) -> bool:
    """Return whether a value is an opaque one of a kind."""
    return getattr(getattr(value, "DESCRIPTOR", None), "full_name", "") == f"kubernetes.{kind}"


def text(value: Any, kind: str) -> str:
    """Return the text of an opaque value; raises ValueError for any other."""
    if not is_a(value, kind):
        raise ValueError("no such overload")
    found: str = value.text
    return found


def given(value: Any) -> Any:
    """Return a value as expressions take it: times and lengths of time are messages there."""
    if isinstance(value, datetime):
        result = timestamp_pb2.Timestamp()
        result.FromDatetime(value)
        return result
    if isinstance(value, timedelta):
        length = duration_pb2.Duration()
        length.FromTimedelta(value)
        return length
    return value
