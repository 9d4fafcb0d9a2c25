"""Objects found by something else than their name: owner, node, namespace, selector."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from wherry.objects import Object, metadata
from wherry.objects.metadata import Key

KeysOf = Callable[[Object], Iterable[Hashable]]


class Index:
    """The objects of an informer under each of the keys `keys_of` gives them; follows every change at its own cost."""

    def __init__(self, keys_of: KeysOf):
        self._keys_of = keys_of
        self._found: dict[Hashable, dict[Key, Object]] = {}

    def get(self, key: Hashable) -> list[Object]:
        """Return the objects under `key`."""
        return list(self._found.get(key, {}).values())

    def follow(self, old: Object | None, new: Object | None) -> None:
        """Take note of a change. Whatever `keys_of` raises, it raises before anything has changed."""
        before = set(self._keys_of(old)) if old is not None else set()
        after = set(self._keys_of(new)) if new is not None else set()
        name = metadata.key(new or old or {})
        for key in before - after:
            found = self._found.get(key, {})
            found.pop(name, None)
            if not found:
                self._found.pop(key, None)
        if new is not None:
            for key in after:
                self._found.setdefault(key, {})[name] = new
