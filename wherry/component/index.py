"""Objects of an informer, found by something else than their name: owner, node, namespace, selector."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from wherry.component.informer import Informer
from wherry.objects import Object, metadata
from wherry.objects.metadata import Key

KeysOf = Callable[[Object], Iterable[Hashable]]


class Index:
    """The objects of `informer` under each of the keys `keys_of` gives them; follows every change at its own cost."""

    def __init__(self, informer: Informer, keys_of: KeysOf):
        self._keys_of = keys_of
        self._found: dict[Hashable, dict[Key, Object]] = {}
        informer.subscribe(self._follow)

    def get(self, key: Hashable) -> list[Object]:
        """Return the objects under `key`."""
        return list(self._found.get(key, {}).values())

    def _follow(self, old: Object | None, new: Object | None) -> None:
        before = set(self._keys_of(old)) if old is not None else set()
        after = set(self._keys_of(new)) if new is not None else set()
        if old is not None:
            for key in before - after:
                found = self._found[key]
                del found[metadata.key(old)]
                if not found:
                    del self._found[key]
        if new is not None:
            for key in after:
                self._found.setdefault(key, {})[metadata.key(new)] = new
