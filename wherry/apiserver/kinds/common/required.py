"""What the schema requires of an object and nobody has looked after.

Upstream checks required fields by hand, kind by kind, in its own order and words, and so do we where users meet them.
The rest is held to the schema, after all other checks. A required text counts as missing when it is empty, as in Go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from wherry.objects import Object, fields
from wherry.objects.definitions import Type
from wherry.objects.errors import FieldError

ELSEWHERE = ("apiVersion", "kind", "metadata", "status")
"""Members of an object that have checks of their own; a status is what its writer says."""

MAY_BE_EMPTY = {("HTTPHeader", "value"), ("Sysctl", "value")}
"""(type, field): must be there, and may be the empty text."""


class _Inner(NamedTuple):
    """A field that holds structs, one or a list."""

    name: str
    type: Type
    listed: bool


class _Plan(NamedTuple):
    required: Sequence[str]
    inner: Sequence[_Inner]


def missing(new: Object, old: Object | None, type_: Type, told: Sequence[FieldError]) -> list[FieldError]:
    """Return what is required in `new` and missing, where none of the errors `told` is about that struct already.

    What is as it was in `old` passes: an object that an older rule let in can still be changed elsewhere.
    """
    seen = [error.field for error in told]
    found = _within(new, "", type_, top=True) if old is None else _changed(new, old, type_)
    return [fields.required(path) for path in found if not any(map(partial(_is_about, _parent(path)), seen))]


def _changed(new: Object, old: Object, type_: Type) -> Iterator[str]:
    parts = {name: value for name, value in new.items() if value != old.get(name)}
    return (path for path in _within(parts, "", type_, top=True) if path.partition(".")[0].partition("[")[0] in parts)


def _within(obj: Object, path: str, type_: Type, *, top: bool = False) -> Iterator[str]:
    plan = type_.once(_plan)
    for name in plan.required:
        if not obj.get(name) and not (top and name in ELSEWHERE):
            yield f"{path}.{name}" if path else name
    for name, inner, listed in plan.inner:
        value = obj.get(name)
        if not value or (top and name in ELSEWHERE):
            continue
        place = f"{path}.{name}" if path else name
        if not listed:
            yield from _within(value, place, inner)
            continue
        for i, item in enumerate(value):
            yield from _within(item, f"{place}[{i}]", inner)


def _plan(type_: Type) -> _Plan:
    required = [f.name for f in type_.json.values() if f.required and f.type == "string"]
    inner = []
    for field in type_.json.values():
        name = field.type.removeprefix("[]")
        if name.startswith("#"):
            inner.append(_Inner(field.name, type_.types[name[1:]], field.type != name))
    needed = [name for name in required if (type_.short, name) not in MAY_BE_EMPTY]
    return _Plan(needed, [field for field in inner if _asks(field.type, set())])


def _asks(type_: Type, seen: set[str]) -> bool:
    """Return whether something is required in a type or within it; `seen` are the types looked at already."""
    if type_.name in seen:
        return False
    seen.add(type_.name)
    inner = (f.type.removeprefix("[]") for f in type_.json.values())
    return any(f.required and f.type == "string" for f in type_.json.values()) or any(
        _asks(type_.types[name[1:]], seen) for name in inner if name.startswith("#")
    )


def _parent(path: str) -> str:
    return path.rpartition(".")[0] or path


def _is_about(place: str, told: str) -> bool:
    """Return whether an error at `told` is about the struct at `place`, about what is in it or what it is in."""
    return told.startswith(place) or place.startswith(told)
