"""What is owned by who wrote a value: all of it (`everything`), or what a configuration names (`named`)."""

from __future__ import annotations

from typing import Any

from wherry.objects.apply.element import MEMBER
from wherry.objects.apply.fieldset import LEAF, FieldSet, with_member
from wherry.objects.apply.shape import Items, Members, Shape


def everything(shape: Shape, value: Any) -> FieldSet:
    """Return the node of a value that was not there before: itself and all below.

    Raises `Unkeyed`. Source: structured-merge-diff typed/compare.go, with nothing on one side.
    """
    inside = shape.granular(value) if value else None
    if inside is None:
        return LEAF
    node: FieldSet = {MEMBER: LEAF}
    if isinstance(inside, Members):
        fields = inside.fields
        for name, item in value.items():
            member = fields.get(name) or inside.get(name)
            node[member.step] = everything(member.shape, item) if isinstance(item, dict | list) else LEAF
    else:
        for item in value:
            step = inside.step(item)
            node[step] = LEAF if step in node else everything(inside.of, item)
    return node


def named(shape: Shape, value: Any) -> FieldSet | None:
    """Return the node of what a configuration names, None for nothing: what only holds other fields is not owned.

    Raises `Unkeyed`. Source: structured-merge-diff typed/tofieldset.go.
    """
    inside = shape.granular(value)
    if isinstance(inside, Members):
        return _fields(inside, value) or None
    if isinstance(inside, Items):
        return _items(inside, value) or None
    return LEAF


def _fields(members: Members, value: dict[str, Any]) -> FieldSet:
    node: FieldSet = {}
    for name, item in value.items():
        member = members.get(name)
        below = named(member.shape, item)
        if item is None or item == {}:
            node[member.step] = LEAF
        elif not member.declared:
            node[member.step] = with_member(below or LEAF)
        elif below is not None:
            node[member.step] = below
    return node


def _items(items: Items, value: list[Any]) -> FieldSet:
    """Return the items of a list; one that is there twice is owned without what is in it."""
    node: FieldSet = {}
    for item in value:
        step = items.step(item)
        node[step] = LEAF if step in node else with_member(named(items.of, item) or LEAF)
    return node
