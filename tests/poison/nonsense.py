"""Objects that make no sense: valid ones of every kind, with one to three of their values replaced by odd ones.

Those of the right types are what a conformant server may hold, whoever wrote it; the others only a store can.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from tests.apiserver.kinds.pipeline import World, accepted, kind_of
from tests.apiserver.registry.specimens import places, replaced, specimens
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.state import rooms
from wherry.apiserver.storage.interface import Write
from wherry.objects import Object, metadata, schema
from wherry.objects.errors import BadRequest

TEXTS = (
    *("", "garbage", "None", "-1", "0", "*", "a b\n}", "é", "x" * 300, "../..", '";{', "%s", "99999999999999999999"),
    *("172.020.0.44", "010.0.0.1", "999.1.1.1", "0.0.0.0", "127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "FD00::01"),
    *("10.0.0.0/33", "10.0.0.1/8", "010.0.0.0/8", "fd00::1/64", "10.0.0.0", "fd00::/129", "/", "TCP", "Local", "IPv6"),
    *("In", "Exists", "NoExecute", "ClientIP", "ExternalName", "LoadBalancer", "FQDN", "Recreate", "OnDelete", "150%"),
)
MIXED = {"mixed": "yes"}
"""Labels of every pod among the objects, for who selects good ones with them."""
NUMBERS = (-(2**31), -1, 0, 1, 65536, 2**31 - 1)
SHAPES: tuple[Any, ...] = (None, "", 0, True, 1.5, 2**63, [], {}, [None], [{}], ["a"], {"a": None}, {"name": 1})
_IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
_IDENTITY |= {("metadata", "uid"), ("metadata", "resourceVersion"), ("metadata", "deletionTimestamp")}


def valid() -> list[Object]:
    """Return valid objects of every kind as they are stored."""
    return [accepted(obj, None, World()) for obj in specimens() if kind_of(obj) in KINDS]


def valid_of(kind: str) -> Object:
    """Return a valid object of a kind."""
    return next(obj for obj in valid() if obj["kind"] == kind)


def odd(value: Any, dice: Random) -> Any:
    """Return a value of the same type that is likely wrong in its place."""
    match value:
        case bool():
            return not value
        case str():
            return dice.choice(TEXTS)
        case int():
            return dice.choice(NUMBERS)
        case list():
            return dice.choice(([], value * 2, value * 40))
        case dict():
            return dice.choice(({}, {**value, dice.choice(TEXTS): next(iter(value.values()), "x")}))
    return value


def twisted(obj: Object, dice: Random, *, shapes: bool = False) -> Object:
    """Return an object with one to three odd values; with `shapes`, of any type."""
    for _ in range(dice.randint(1, 3)):
        if paths := [path for path in places(obj) if path not in _IDENTITY]:
            path = dice.choice(paths)
            value: Any = obj
            for step in path:
                value = value[step]
            obj = replaced(obj, path, dice.choice(SHAPES) if shapes else odd(value, dice))
    return obj


def named(obj: Object, number: int, kind: Kind, namespace: str) -> Object:
    """Return an object under a name that is nobody else's."""
    name = f"odd-{number}" if kind.name_pattern != "ip-address" else f"10.97.{number // 250}.{number % 250}"
    meta = {**obj["metadata"], "name": name, "uid": str(uuid.UUID(int=number + 1)), "resourceVersion": "1"}
    meta |= {"creationTimestamp": "2026-01-01T00:00:00Z"}
    if kind.namespaced:
        # What limits say holds for everybody in their namespace, sense or not.
        meta["namespace"] = namespace if kind.kind != "LimitRange" else "default"
    if kind.kind == "Pod":
        meta["labels"] = {**(meta.get("labels") or {}), **MIXED}
    if kind.resource.group == "admissionregistration.k8s.io":
        # Nobody can be asked, and so nothing can be written that these are about.
        about = {"objectSelector": {"matchLabels": {"about": "nobody"}}}
        obj = {**obj, "webhooks": [hook | about for hook in obj.get("webhooks") or ()]}
    return {**obj, "metadata": meta}


def objects(dice: Random, count: int, namespace: str, *, first: int = 0) -> Iterator[Object]:
    """Yield so many objects of the right types that make no sense; those in namespaces are in `namespace`."""
    known = valid()
    while count:
        obj = dice.choice(known)
        kind = kind_of(obj)
        obj = named(twisted(obj, dice), first + count, kind, namespace)
        resource = kind.resource
        try:
            typed, _ = schema.typed(obj, (resource.group, resource.version, resource.kind))
        except BadRequest:
            continue
        count -= 1
        yield typed


def shapeless(dice: Random, count: int, namespace: str, *, first: int = 0) -> Iterator[Object]:
    """Yield so many objects with values of any type."""
    known = valid()
    for number in range(first, first + count):
        obj = dice.choice(known)
        yield twisted(named(obj, number, kind_of(obj), namespace), dice, shapes=True)


def write_of(obj: Object) -> Write:
    """Return the write that puts an object into a store in which it is not."""
    kind = kind_of(obj)
    return Write(rooms.path(kind.resource, metadata.key(obj)), msgspec.json.encode(obj), 0)
