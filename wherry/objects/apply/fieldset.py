"""Sets of fields, kept as FieldsV1 writes them: `{"f:spec": {"f:replicas": {}}}` has one member, spec.replicas.

A node is in the set when it is empty or has a `.`; the root never is, so `{}` is the empty set. Sets are never changed
in place, share what they have in common, and an operation that changes nothing returns the very set it was given.
Source: structured-merge-diff fieldpath/set.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from wherry.objects import Object
from wherry.objects.apply import element
from wherry.objects.apply.element import MEMBER

FieldSet = Object
LEAF: FieldSet = {}
"""A member without children; as a whole set, the empty one."""


def shared(fields: FieldSet) -> FieldSet:
    """Return a set that is equal, and the very same for all who ask: what makes many objects owns the same of each."""
    return _shared(msgspec.json.encode(fields))


@lru_cache(maxsize=4096)
def _shared(data: bytes) -> FieldSet:
    fields: FieldSet = msgspec.json.decode(data)
    return fields


def has(fields: FieldSet, step: str) -> bool:
    """Return whether the child at `step` is in the set."""
    node = fields.get(step)
    return node is not None and (not node or MEMBER in node)


def with_member(node: FieldSet) -> FieldSet:
    """Return a node that is in the set, with the children of `node`."""
    return node if not node or MEMBER in node else {MEMBER: LEAF, **node}


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in either set."""
    result = None
    for step, node in other.items():
        mine = one.get(step)
        joined = node if mine is None else _joined(mine, node)
        if joined is not mine:
            result = dict(one) if result is None else result
            result[step] = joined
    return one if result is None else result


def _joined(one: FieldSet, other: FieldSet) -> FieldSet:
    if not other:
        return with_member(one)
    if not one:
        return with_member(other)
    return union(one, other)


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in `one` and not in `other`; a node that goes leaves its children."""
    result = None
    for step, node in other.items():
        mine = one.get(step)
        if mine is None:
            continue
        left = _left(mine, node)
        if left is not mine:
            result = dict(one) if result is None else result
            if left is None:
                del result[step]
            else:
                result[step] = left
    return one if result is None else result


def _left(one: FieldSet, other: FieldSet) -> FieldSet | None:
    """Return the node that is left of `one`, None for nothing."""
    if not one:
        return None if not other or MEMBER in other else one
    left = difference(one, other or {MEMBER: LEAF})
    if left is one:
        return one
    return LEAF if left.keys() == {MEMBER} else left or None


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """Return what is in both sets."""
    result = {}
    for step in one.keys() & other.keys():
        node = _common(one[step], other[step])
        if node is not None:
            result[step] = node
    return result


def _common(one: FieldSet, other: FieldSet) -> FieldSet | None:
    below = intersection(one, other)
    both = (not one or MEMBER in one) and (not other or MEMBER in other)
    below.pop(MEMBER, None)
    if both:
        return with_member(below)
    return below or None


def within(fields: FieldSet, patterns: Sequence[tuple[str, ...]]) -> FieldSet:
    """Return what of a set is at or below the paths that `patterns` name, where "*" is any step."""
    result = {}
    for step, node in fields.items():
        further = [pattern[1:] for pattern in patterns if pattern[0] in ("*", step)]
        if () in further:
            result[step] = node
        elif further and (left := within(node, further)):
            result[step] = left
    return result


def paths(fields: FieldSet) -> Iterator[tuple[str, ...]]:
    """Yield the steps to each member: of every node first its members, then what is below."""
    steps = sorted(fields.keys() - {MEMBER}, key=element.order)
    for step in steps:
        if has(fields, step):
            yield (step,)
    for step in steps:
        for path in paths(fields[step]):
            yield step, *path


def shown(path: tuple[str, ...]) -> str:
    """Return a path as messages have it, `.spec.containers[name="x"].image`."""
    return "".join(map(element.shown, path))


def canonical(fields: Any) -> FieldSet:
    """Return a set that a client wrote in the canonical form, without what nobody knows; raises `ValueError`."""
    if not isinstance(fields, dict):
        raise ValueError("a set of fields must be an object")
    result: FieldSet = {}
    for text, below in fields.items():
        node = canonical(below)
        if text == MEMBER:
            result[MEMBER] = LEAF
        elif (step := _step(text)) is not None and (node or not below or MEMBER in below):
            result[step] = node
    return LEAF if result.keys() == {MEMBER} else result


def _step(text: str) -> str | None:
    try:
        return element.canonical(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"{text}: {error}") from error
