"""Kinds whose objects are never stored: they are worked out when somebody reads them, and nobody can write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Kind
from wherry.apiserver.registry.options import ListOptions
from wherry.apiserver.registry.reader import Page
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.selection import METADATA_FIELDS, Selection, select
from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.resource import Resource
from wherry.objects.selectors import FieldSelector

VERBS = ("get", "list")


class Source(Protocol):
    """Who works them out."""

    kinds: Sequence[Kind]

    async def objects(self, kind: Kind, selection: Selection) -> list[Object]:
        """Return the selected objects of one of `kinds` as they are now."""
        ...


class Computed:
    """The kinds of `sources` by resource."""

    def __init__(self, *sources: Source):
        self._sources = {kind.resource: source for source in sources for kind in source.kinds}
        self.served = {kind.resource: Served(kind, kind.resource) for source in sources for kind in source.kinds}

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the resource of these names, or None."""
        return next((r for r in self.served if (r.group, r.version, r.plural) == (group, version, plural)), None)

    async def get(self, served: Served, key: Key) -> Object:
        """Return one object; raises `NotFound`."""
        namespace, name = key
        named = FieldSelector((("metadata.name", True, name),))
        within = namespace if served.kind.namespaced else None
        found = await self._objects(served, Selection(within, fields=named, readers=METADATA_FIELDS))
        if not found:
            raise NotFound.of(served.resource.plural, name, served.resource.group)
        return found[0]

    async def list(self, served: Served, namespace: str | None, options: ListOptions, revision: int) -> Page:
        """Return the selected objects, all at once; raises `BadRequest`."""
        selection = select(served.kind, namespace, options.labels, options.fields)
        return Page([*await self._objects(served, selection)], revision)

    async def _objects(self, served: Served, selection: Selection) -> Sequence[Object]:
        return await self._sources[served.resource].objects(served.kind, selection)
