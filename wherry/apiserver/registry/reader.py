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
from wherry.apiserver.storage.interface import StorageError
from wherry.objects import Object, metadata
from wherry.objects.errors import Expired, InternalError, NotFound
from wherry.objects.resource import Resource


class Page(NamedTuple):
    """Some or all objects of a list as they were at `revision`; `token` continues it ("" at the end).

    `remaining` is how many are left then; None where that is not known.
    """

    items: list[Object]
    revision: int
    token: str = ""
    remaining: int | None = None


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

    async def fresh(self) -> None:
        """Return once everything is visible that was written before; raises `InternalError`."""
        try:
            await self.state.fresh()
        except StorageError as error:
            raise InternalError.of(str(error)) from error

    async def seen(self, version: str) -> None:
        """Return once what is shown is not older than `version`; "" is what is newest at the call.

        Raises `BadRequest`, `Timeout`, `InternalError`.
        """
        if version:
            await versions.wait(self.state, versions.parse(version))
        else:
            await self.fresh()

    def get(self, served: Served, key: Key) -> Object:
        """Return one object; raises `NotFound`."""
        obj = self.state.collection(served.kind).get(key)
        if obj is None:
            raise not_found(self.state, served, key)
        return served.from_storage(obj)

    async def shown(self, served: Served, key: Key) -> Object:
        """Return one object, whoever must be asked to translate it; raises `NotFound`, `InternalError`."""
        if (obj := self.state.collection(served.kind).get(key)) is not None:
            await served.ready([obj])
        return self.get(served, key)

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
        revision, after = await self._place(options)
        at = self.state.revision if revision == paging.AS_IT_IS else revision
        try:
            found = collection.select_at(at, selection, after) if revision >= 0 else collection.select(selection, after)
        except Expired as error:
            if not options.token:
                raise
            raise Expired.of_page(paging.Continue(paging.AS_IT_IS, *after).token()) from error
        items = list(islice(found, count))
        token, remaining = "", None
        if options.limit and len(items) > options.limit:
            items.pop()
            token = paging.Continue(at, *metadata.key(items[-1])).token()
            if not options.labels and not options.fields:  # upstream counts no selected ones
                left = collection.count(namespace, metadata.key(items[-1]))
                remaining = len(found) - len(items) if isinstance(found, list) else left
        await served.ready(items)
        return Page([served.from_storage(obj) for obj in items], at, token, remaining)

    async def _place(self, options: ListOptions) -> tuple[int, Key]:
        """Return the revision at which a list is to be shown, once it is seen, and the key after which it begins."""
        if options.token:
            start = paging.parse(options.token)
            if start.revision == paging.AS_IT_IS:
                await self.fresh()
            else:
                await versions.wait(self.state, start.revision)
            return start.revision, start.after
        await self.seen(options.resource_version)
        return versions.parse(options.resource_version) if options.match == "Exact" else paging.AS_IT_IS, ("", "")

    async def watch(self, served: Served, namespace: str | None, options: WatchOptions) -> Stream:
        """Open a watch; raises `BadRequest`, `Invalid`, `Expired`, `Timeout`. The caller ends `Stream.watch`."""
        versions.check_watch_list(options.match, options.initial)
        selection = select(served.kind, namespace, options.labels, options.fields)
        collection = self.state.collection(served.kind)
        version = versions.parse(options.resource_version)
        initial = version == 0 if options.initial is None else options.initial
        if initial:
            await self.seen(options.resource_version)
        after = None if initial or version == 0 else version
        watch = collection.watch(selection, after)
        objects = list(collection.select(selection)) if initial else []
        await served.ready(objects)
        return Stream(objects, self.state.revision, bool(options.initial), watch)


def not_found(state: State, served: Served, key: Key) -> NotFound:
    """Return the error for an object that is not there, or that was stored and cannot be read."""
    resource = served.resource
    if (where := state.set_aside(served.kind, key)) is not None:
        return NotFound.damaged(resource.plural, key[1], resource.group, str(where))
    return NotFound.of(resource.plural, key[1], resource.group)
