"""What differs between two values of one shape, as sets of fields.

Source: structured-merge-diff typed/compare.go.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.apply.element import MEMBER
from wherry.objects.apply.fieldset import LEAF, FieldSet
from wherry.objects.apply.owned import everything
from wherry.objects.apply.shape import ABSENT, Items, Members, Shape


class Comparison(NamedTuple):
    """`changed` was added or is no longer what it was; `removed` is gone."""

    changed: FieldSet
    removed: FieldSet


def compare(shape: Shape, old: Object, new: Object) -> Comparison:
    """Return what is different in `new`; raises `Unkeyed`."""
    return Comparison(*(node or LEAF for node in _difference(shape, old, new)))


_Nodes = tuple[FieldSet | None, FieldSet | None]
"""What changed and what was removed, below and including one place; None for nothing."""
_NOTHING: _Nodes = None, None


def _difference(shape: Shape, old: Any, new: Any) -> _Nodes:
    if old is new:
        return _NOTHING
    if old is ABSENT:
        return everything(shape, new), None
    if new is ABSENT:
        return None, everything(shape, old)
    was, now = shape.granular(old), shape.granular(new)
    if was is now or old is None or new is None:
        return _inside(was or now, old or None, new or None) if old or new else _leaf(old, new)
    return _of_another_sort(shape, old, new)


def _inside(inside: Members | Items | None, old: Any, new: Any) -> _Nodes:
    if isinstance(inside, Members):
        return _fields(inside, old or {}, new or {})
    if isinstance(inside, Items):
        return _items(inside, old or [], new or [])
    return _leaf(old, new)


def _leaf(old: Any, new: Any) -> _Nodes:
    same = old == new and isinstance(old, bool) is isinstance(new, bool)
    return _NOTHING if same else (LEAF, None)


def _of_another_sort(shape: Shape, old: Any, new: Any) -> _Nodes:
    """Return the nodes where, say, an object became a plain value: it changed, and what was in it is gone."""
    gone = {step: node for step, node in everything(shape, old).items() if step != MEMBER}
    return everything(shape, new), gone or None


def _fields(members: Members, old: Object, new: Object) -> _Nodes:
    changed: FieldSet = {}
    removed: FieldSet = {}
    for name, now in new.items():
        was = old.get(name, ABSENT)
        if was is now:
            continue
        member = members.fields.get(name)
        if member is not None and was == now:  # by far the most; what nobody declared could be 1 here and true there
            continue
        member = member or members.get(name)
        if was is ABSENT and not member.nullable:
            changed[member.step] = everything(member.shape, now)
        else:
            _note(member.step, _difference(member.shape, None if was is ABSENT else was, now), changed, removed)
    for name, was in old.items():
        if name not in new:
            member = members.get(name)
            _note(member.step, _difference(member.shape, was, None if member.nullable else ABSENT), changed, removed)
    return changed or None, removed or None


def _items(items: Items, old: list[Any], new: list[Any]) -> _Nodes:
    changed: FieldSet = {}
    removed: FieldSet = {}
    was, now = _grouped(items, old), _grouped(items, new)
    for step in was | now:
        _note(step, _of_one_key(items.of, was.get(step, []), now.get(step, [])), changed, removed)
    return changed or None, removed or None


def _grouped(items: Items, values: list[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for value in values:
        groups.setdefault(items.step(value), []).append(value)
    return groups


def _of_one_key(shape: Shape, old: list[Any], new: list[Any]) -> _Nodes:
    """Return the nodes of the items of one key; where there are several, they are owned as a whole."""
    if len(old) < 2 and len(new) < 2:
        return _difference(shape, old[0] if old else ABSENT, new[0] if new else ABSENT)
    if len(old) > 1 and len(new) > 1:
        return _NOTHING if old == new else (LEAF, None)
    if len(old) > 1:
        return everything(shape, new[0]) if new else None, LEAF
    return LEAF, everything(shape, old[0]) if old else None


def _note(step: str, nodes: _Nodes, changed: FieldSet, removed: FieldSet) -> None:
    added, gone = nodes
    if added is not None:
        changed[step] = added
    if gone is not None:
        removed[step] = gone
