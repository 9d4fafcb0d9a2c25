"""Whether a configuration is of its shape: what nobody declared, of another sort, or there twice is refused.

Source of the rules and texts: structured-merge-diff typed/validate.go, typed/helpers.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from wherry.objects.apply import element
from wherry.objects.apply.shape import Items, Members, Shape, Unkeyed

_PLAIN: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}


def problems(shape: Shape, value: Any) -> str:
    """Return what is wrong with a configuration, "" for nothing."""
    found = list(_problems(shape, value, ""))
    if len(found) == 1:
        return found[0]
    return "\n  ".join(("errors:", *found)) if found else ""


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, dict) and shape.members is not None:
        yield from _fields(shape.members, value, path)
    elif isinstance(value, list) and shape.items is not None:
        yield from _items(shape.items, value, path)
    elif not _is_plain(shape, value):
        yield f"{path}: expected {_expected(shape)}, got {_got(value)}"


def _fields(members: Members, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, item in value.items():
        place = path + element.shown(element.field(name))
        if name not in members.fields and members.other is None:
            yield f"{place}: field not declared in schema"
        else:
            yield from _problems(members.get(name).shape, item, place)


def _items(items: Items, value: Sequence[Any], path: str) -> Iterator[str]:
    seen: set[str] = set()
    for number, item in enumerate(value):
        try:
            step = f"i:{number}" if items.atomic else items.step(item)
        except Unkeyed as error:
            yield f"{path}: element {number}: {error}"
            continue
        shown = element.shown(step)
        if step in seen:
            yield f"{path}: duplicate entries for key {shown}"
        seen.add(step)
        yield from _problems(items.of, item, path + shown)


def _is_plain(shape: Shape, value: Any) -> bool:
    if isinstance(value, dict | list) or not shape.plain:
        return False
    if shape.plain == "any":
        return True
    return isinstance(value, _PLAIN[shape.plain]) and (shape.plain == "boolean") is isinstance(value, bool)


def _expected(shape: Shape) -> str:
    if not shape.plain:
        return "map" if shape.members is not None else "list"
    return {"number": "numeric (int or float)", "any": "any scalar"}.get(shape.plain, shape.plain)


def _got(value: Any) -> str:
    return msgspec.json.encode(value).decode()
