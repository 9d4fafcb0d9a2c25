"""A configuration merged into a live value, and fields taken out of a value.

Source: structured-merge-diff typed/merge.go, typed/remove.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.objects.apply.fieldset import FieldSet, has
from wherry.objects.apply.shape import ABSENT, Items, Members, Shape


def merge(shape: Shape, live: Any, config: Any) -> Any:
    """Return `live` with what `config` says, which removes nothing; a new value, parts of which are shared.

    Raises `Unkeyed`.
    """
    if live is ABSENT or not (live or config):
        return config
    was, now = shape.granular(live), shape.granular(config)
    if was is None or (now is not was and config is not None):
        return config
    if isinstance(was, Members):
        return {**live, **{name: _field(was, name, live, config) for name in config or ()}}
    return _items(was, live, config or [])


def _field(members: Members, name: str, live: dict[str, Any], config: dict[str, Any]) -> Any:
    return merge(members.get(name).shape, live.get(name, ABSENT), config[name])


def _items(items: Items, live: list[Any], config: list[Any]) -> list[Any]:
    """Return the items of both: those of the configuration in its order, each of the others where it was among them."""
    ours = {items.step(item): item for item in config}
    steps = [items.step(item) for item in live]
    twice = {step for step in steps if steps.count(step) > 1} if len(set(steps)) < len(steps) else set()
    theirs = {step: ABSENT if step in twice else item for step, item in zip(steps, live, strict=True)}
    return [
        live[place] if step not in ours else merge(items.of, theirs.get(step, ABSENT), ours[step])
        for step, place in _order(list(ours), steps)
    ]


def _order(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, int]]:
    """Return the merged order as (step, place in `theirs` where only they have it).

    Both lists are walked at once. Where one item is common to both and next in each, it is taken; an item that only the
    live list has is taken as it comes; else the configuration's next.
    """
    known, wanted, taken = set(theirs), set(ours), set[str]()
    shared = iter([step for step in ours if step in known])
    next_shared = next(shared, None)
    result: list[tuple[str, int]] = []
    mine = place = 0
    while mine < len(ours) or place < len(theirs):
        if mine < len(ours) and place < len(theirs):
            if theirs[place] == ours[mine]:
                result.append((ours[mine], place))
                taken.add(ours[mine])
                mine, place = mine + 1, place + 1
                next_shared = next(shared, None)
                continue
            if theirs[place] in wanted and next_shared not in (None, theirs[place]):
                place += 1
                continue
        if place < len(theirs):
            if theirs[place] not in wanted:
                result.append((theirs[place], place))
                place += 1
                continue
            if theirs[place] in taken:
                place += 1
        if mine < len(ours):
            step = ours[mine]
            result.append((step, -1))
            taken.add(step)
            mine += 1
            if next_shared == step:
                next_shared = next(shared, None)
    return result


def without(shape: Shape, value: Any, fields: FieldSet) -> Any:
    """Return `value` without the members of `fields` and what is below them; null where nothing is left in it.

    Raises `Unkeyed`.
    """
    inside = shape.granular(value)
    if isinstance(inside, Members):
        kept = {
            name: _kept(inside.get(name).shape, inside.get(name).step, item, fields) for name, item in value.items()
        }
        return {name: item for name, item in kept.items() if item is not ABSENT} or None
    if isinstance(inside, Items):
        left = [_kept(inside.of, inside.step(item), item, fields) for item in value]
        return [item for item in left if item is not ABSENT] or None
    return value


def _kept(shape: Shape, step: str, item: Any, fields: FieldSet) -> Any:
    if step not in fields:
        return item
    below = fields[step]
    return ABSENT if has(fields, step) or not below else without(shape, item, below)


def tidied(value: Any, before: Any) -> Any:
    """Return `value` without the nulls where `before` had something: what `without` has emptied."""
    if value is before or not isinstance(value, dict) or not isinstance(before, dict):
        return value
    return {
        name: tidied(item, before.get(name))
        for name, item in value.items()
        if item is not None or before.get(name) is None
    }
