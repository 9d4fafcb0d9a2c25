"""Reading stored objects: one, a list or a page of it, a watch."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.registry import paging, versions
from wherry.apiserver.registry.options import ListOptions, WatchOptions
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.selection import select
from wherry.apiserver.state.state import State
from wherry.apiserver.state.watches import Watch
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.resource import Resource


class Page(NamedTuple):
    """Some or all objects of a list as they were at `revision`; `token` continues it ("" at the end)."""

    items: list[Object]
    revision: int
    token: str = ""


@dataclass(slots=True)
class Stream:
    """A watch: `initial` objects as they were at `revision`, in storage version, then whatever `watch` is told.

    `marked`: the end of the initial objects is to be announced with a bookmark.
    """

    initial: list[Object]
    revision: int
    marked: bool
    watch: Watch


class Reader:
    """What can be asked of `state` without changing it."""

    def __init__(self, state: State, catalog: Catalog):
        self.state = state
        self._catalog = catalog

    def get(self, served: Served, key: Key) -> Object:
        """Return one object; raises `NotFound`."""
        obj = self.state.collection(served.kind).get(key)
        if obj is None:
            raise not_found(self.state, served, key)
        return served.from_storage(obj)

    def find(self, resource: Resource, key: Key) -> Object | None:
        """Return one object in its storage version, or None."""
        kind = self._catalog.kind(resource.group, resource.plural)
        return self.state.collection(kind).get(key) if kind else None

    async def list(self, served: Served, namespace: str | None, options: ListOptions) -> Page:
        """Return the objects asked for, in key order; raises `BadRequest`, `Invalid`, `Expired`, `Timeout`."""
        versions.check_list(options.resource_version, options.match, options.token)
        collection = self.state.collection(served.kind)
        selection = select(served.kind, namespace, options.labels, options.fields)
        count = min(options.limit + 1, sys.maxsize) if options.limit else None
        if options.token:
            start = paging.parse(options.token)
            revision = start.revision
            await versions.wait(self.state, revision)
            found = islice(collection.select_at(revision, selection, start.after), count)
        else:
            wanted = versions.parse(options.resource_version)
            await versions.wait(self.state, wanted)
            exact = options.match == "Exact"
            revision = wanted if exact else self.state.revision
            found = islice(collection.select_at(revision, selection) if exact else collection.select(selection), count)
        items = list(found)
        token = ""
        if options.limit and len(items) > options.limit:
            items.pop()
            token = paging.Continue(revision, *metadata.key(items[-1])).token()
        return Page([served.from_storage(obj) for obj in items], revision, token)

    async def watch(self, served: Served, namespace: str | None, options: WatchOptions) -> Stream:
        """Open a watch; raises `BadRequest`, `Invalid`, `Expired`, `Timeout`. The caller ends `Stream.watch`."""
        versions.check_watch_list(options.match, options.initial)
        selection = select(served.kind, namespace, options.labels, options.fields)
        collection = self.state.collection(served.kind)
        version = versions.parse(options.resource_version)
        if options.initial is None:
            initial = version == 0
        else:
            initial = options.initial
            await versions.wait(self.state, version)
        after = None if initial or version == 0 else version
        watch = collection.watch(selection, after)
        objects = list(collection.select(selection)) if initial else []
        return Stream(objects, self.state.revision, bool(options.initial), watch)


def not_found(state: State, served: Served, key: Key) -> NotFound:
    """Return the error for an object that is not there, or that was stored and cannot be read."""
    resource = served.resource
    if (where := state.set_aside(served.kind, key)) is not None:
        return NotFound.damaged(resource.plural, key[1], resource.group, str(where))
    return NotFound.of(resource.plural, key[1], resource.group)
