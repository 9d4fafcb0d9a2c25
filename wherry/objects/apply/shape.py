"""Shapes: how values merge and who can own which part of them, derived from the types of the schema.

A shape says what each sort of value may be: an object (`members`), a list (`items`), a plain value (`plain`). A value
that nobody declared may be any of them. What is atomic is owned and replaced as a whole.
Source: structured-merge-diff schema/elements.go, typed/parser.go (the deduced type), kube-openapi pkg/schemaconv.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.apply import element
from wherry.objects.definitions import Field, Type, by_name

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
ABSENT: Any = object()
"""What stands for a value that is not there; None is a null that is."""


class Unkeyed(ValueError):
    """An item of a list lacks what tells it from the others."""


@dataclass(eq=False)
class Shape:
    """What a value may be; `plain` is string, number, boolean, any, or "" for no plain value."""

    members: Members | None = None
    items: Items | None = None
    plain: str = ""

    def granular(self, value: Any) -> Members | Items | None:
        """Return how the parts of a value are owned, None for one that is owned as a whole."""
        found: Members | Items | None = None
        if isinstance(value, dict):
            found = self.members
        elif isinstance(value, list):
            found = self.items
        return found if found is not None and not found.atomic else None

    def at(self, step: str) -> Member | None:
        """Return what is one step below, None for what the shape does not have."""
        if step.startswith("f:"):
            return self.members.get(step[2:]) if self.members is not None else None
        return Member(step, self.items.of, declared=False) if self.items is not None else None


class Member(NamedTuple):
    """A field of an object: the step to it, its shape, and whether it is null, not absent, when nobody gave it.

    `declared` tells a field of a struct from an entry of a map.
    """

    step: str
    shape: Shape
    nullable: bool = False
    declared: bool = True


class Members:
    """What an object holds: declared fields, and under any other name values of the shape `other`, None for nothing."""

    def __init__(
        self, declare: Callable[[], Mapping[str, Member]], other: Shape | None = None, *, atomic: bool = False
    ):
        self._declare = declare
        self.other = other
        self.atomic = atomic

    @cached_property
    def fields(self) -> Mapping[str, Member]:
        """The declared fields by name; read when first needed, since types refer to themselves."""
        return self._declare()

    def get(self, name: str) -> Member:
        """Return the field of that name; one that is neither declared nor allowed is owned as a whole."""
        return self.fields.get(name) or Member(element.field(name), self.other or ANYTHING, declared=False)


@dataclass(eq=False)
class Items:
    """What a list holds. `keys` tell its items apart; one without keys that is not atomic is a set of plain values.

    `defaults` are what stands for keys that an item leaves out.
    """

    of: Shape
    atomic: bool = True
    keys: tuple[str, ...] = ()
    defaults: Callable[[], Mapping[str, Any]] = dict

    def step(self, item: Any) -> str:
        """Return the step to an item; raises `Unkeyed`."""
        if not self.keys:
            if isinstance(item, dict | list) or item is None:
                raise Unkeyed(f"associative list without keys has an element that's {_sort(item)}")
            return element.value(item)
        if not isinstance(item, dict):
            raise Unkeyed(f"associative list with keys may not have {_not_a_map(item)}")
        if len(self.keys) == 1 and isinstance(name := item.get(self.keys[0]), str):
            return element.key(self.keys, name)
        given = self._given(item)
        return element.key(tuple(given), *given.values())

    def _given(self, item: Object) -> Object:
        defaults = self.defaults()
        found = {name: item.get(name, defaults.get(name)) for name in self.keys}
        given = {name: value for name, value in found.items() if value is not None}
        if not given:
            names = "[" + " ".join(f'"{name}"' for name in self.keys) + "]"
            why = f"omits all key fields {names} (and doesn't have default values for any key fields)"
            raise Unkeyed(f"associative list with keys has an element that {why}")
        if any(isinstance(value, dict | list) for value in given.values()):
            raise Unkeyed("associative list with keys has an element whose key is no plain value")
        return given


def _sort(item: Any) -> str:
    if item is None:
        return "an explicit null"
    return "a map type" if isinstance(item, dict) else "a list type"


def _not_a_map(item: Any) -> str:
    return "a null element" if item is None else "non-map elements"


WHOLE = Shape(plain="any")
"""Anything, in lists and objects that are owned as a whole."""
WHOLE.items = Items(WHOLE)
WHOLE.members = Members(dict, WHOLE, atomic=True)
ANYTHING = Shape(plain="any")
"""A value nobody declared: its objects are owned field by field, its lists as a whole."""
ANYTHING.items = Items(WHOLE)
ANYTHING.members = Members(dict, ANYTHING)

_PLAIN = {"string": "string", "bytes": "string", "bool": "boolean", "int32": "number", "int64": "number"}
_FREE = ("raw", "fields", "any")
_ZERO = {"string": "", "number": 0, "boolean": False}


def of(type_: Type | None) -> Shape:
    """Return the shape of objects of a type; None: of a kind of which nobody knows more than that it has metadata."""
    return type_.once(_struct) if type_ is not None else _undescribed()


@cache
def _undescribed() -> Shape:
    metadata = {"metadata": Member(element.field("metadata"), of(by_name(_METADATA)))}
    return Shape(Members(lambda: metadata, ANYTHING))


def _struct(type_: Type) -> Shape:
    return Shape(Members(lambda: _fields(type_), atomic=type_.map_type == "atomic"))


def _fields(type_: Type) -> Mapping[str, Member]:
    return {
        name: Member(element.field(name), _shape(type_, declared.type, declared), _nullable(declared))
        for name, declared in type_.json.items()
    }


def _nullable(declared: Field) -> bool:
    """Return whether Go writes null for a field that nobody gave: a list, map or pointer that is not left out."""
    if declared.omit_empty:
        return False
    return declared.pointer or declared.type.startswith(("[]", "map:", "items:", "bytes"))


def _shape(scope: Type, expression: str, declared: Field) -> Shape:
    """Return the shape of an expression in the field `declared` of `scope`, whose marks are for the outermost part."""
    if expression.startswith("#"):
        return _marked(of(scope.types[expression[1:]]), declared.map_type)
    if expression.startswith(("[]", "items:")):
        return Shape(items=_items(scope, expression.removeprefix("[]").removeprefix("items:"), declared))
    if expression.startswith("map:"):
        inner = _shape(scope, expression[4:], _UNMARKED)
        return Shape(Members(dict, inner, atomic=declared.map_type == "atomic"))
    return ANYTHING if expression in _FREE else Shape(plain=_PLAIN.get(expression, "any"))


def _marked(shape: Shape, map_type: str) -> Shape:
    """Return the shape of a struct in a field that says itself whether it is owned as a whole."""
    if not map_type or shape.members is None:
        return shape
    members = shape.members
    return Shape(Members(lambda: members.fields, members.other, atomic=map_type == "atomic"))


_UNMARKED = Field("", "")


def _items(scope: Type, expression: str, declared: Field) -> Items:
    inner = _shape(scope, expression, _UNMARKED)
    if declared.list_type not in ("map", "set"):
        return Items(inner)
    return Items(inner, False, tuple(declared.list_keys), _defaults(scope, expression, declared.list_keys))


def _defaults(scope: Type, expression: str, keys: Sequence[str]) -> Callable[[], Mapping[str, Any]]:
    """Return what tells the values of keys that an item leaves out: the declared default, or a plain value's zero."""

    @cache
    def defaults() -> Mapping[str, Any]:
        declared = scope.types[expression[1:]].json if expression.startswith("#") else {}
        return {key: _default(declared[key]) for key in keys if key in declared}

    return defaults


def _default(declared: Field) -> Any:
    if declared.default is not None or declared.pointer:
        return declared.default
    return _ZERO.get(_PLAIN.get(declared.type, ""))
