"""The verbs on stored objects, the same for every kind.

Objects go in and out in the version of the `Served` they are addressed by; in between they are in storage version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import NamedTuple

from wherry.apiserver.admission import Admission
from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.registry import creating, deleting, updating
from wherry.apiserver.registry.context import HookContext
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.reader import Reader, not_found
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.collection import key_of
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.interface import Stale, StorageError
from wherry.objects import Object, metadata, schema
from wherry.objects.errors import AlreadyExists, Conflict, InternalError, NotFound

GENERATE_ATTEMPTS = 8
"""How often a generated name is drawn before the server gives up."""


class Deletion(NamedTuple):
    """The last or newest state of a deleted object, and whether it is `gone` already."""

    object: Object
    gone: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """What kinds need to know of the cluster."""

    service_cidr: IPv4Network
    node_port_range: range


class Registry(Reader):
    """Reading, and the rules of writing. `clock` tells the time in seconds since the epoch."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        admission: Admission,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ):
        super().__init__(state, catalog)
        self._admission = admission
        self._settings = settings
        self._clock = clock

    async def create(self, served: Served, obj: Object, namespace: str | None, options: WriteOptions) -> Object:
        """Create `obj` (not changed) and return it as it is stored; raises `AlreadyExists`, `Invalid` and more."""
        new = self._typed(served, obj, options)
        key = creating.place(served, new, namespace)
        generated = not (obj.get("metadata") or {}).get("name") and bool(key[1])
        attempts = GENERATE_ATTEMPTS if generated else 1
        await self._admission.ready(served.kind, new)
        while True:
            try:
                return await self._create(served, key, new, options)
            except AlreadyExists:
                attempts -= 1
                if not attempts:
                    raise
                del new["metadata"]["name"]
                key = creating.place(served, new, namespace)

    async def _create(self, served: Served, key: Key, new: Object, options: WriteOptions) -> Object:
        def compute(current: Object | None) -> Object:
            if current is not None:
                raise AlreadyExists.of(served.resource.plural, key[1], served.resource.group)
            obj = metadata.copy(served.to_storage(new))
            creating.complete(served, obj, self._context(options), self._admission, self._clock())
            return obj

        created = await self._write(served, key, compute, options.dry_run)
        assert created is not None
        return served.from_storage(created)

    async def modify(
        self,
        served: Served,
        key: Key,
        change: Callable[[Object], Object],
        options: WriteOptions,
        part: str = "",
    ) -> Object:
        """Replace an object by what `change` makes of it, and return the result.

        `change` gets the newest object in the served version, read-only, and returns a new one (sharing parts is fine);
        it is called again if the object changes meanwhile. `part` names what may be written, see `updating.merged`.
        Raises `NotFound`, `Conflict`, `Invalid` and more.
        """
        kind = served.kind

        def compute(current: Object | None) -> Object | None:
            if current is None:
                raise not_found(served, key[1])
            shown = served.from_storage(current)
            new = change(shown)
            if new is shown:
                return current
            new = self._typed(served, new, options)
            updating.check_name(new, key)
            updating.check_preconditions(kind, new, current)
            obj = metadata.copy(updating.merged(kind, served.to_storage(new), current, part))
            updating.complete(served, obj, current, part, self._context(options), self._admission)
            if obj == current:
                return current
            return None if deleting.finished(kind, obj) else obj

        result = await self._write(served, key, compute, options.dry_run)
        assert result is not None
        return served.from_storage(result)

    async def delete(
        self, served: Served, key: Key, options: DeleteOptions, write: WriteOptions | None = None
    ) -> Deletion:
        """Delete one object, or begin to; raises `NotFound`, `Conflict`, `Forbidden`."""
        write = write or WriteOptions()
        kind = served.kind
        gone = False

        def compute(current: Object | None) -> Object | None:
            nonlocal gone
            if current is None:
                raise not_found(served, key[1])
            deleting.check_preconditions(kind, current, options)
            self._admission.check_delete(kind, current, write.user)
            new = deleting.begun(kind, metadata.copy(current), options, self._clock())
            gone = new is None
            return current if new == current else new

        result = await self._write(served, key, compute, write.dry_run)
        assert result is not None
        return Deletion(served.from_storage(result), gone)

    async def delete_all(
        self, served: Served, objects: Sequence[Object], options: DeleteOptions, write: WriteOptions
    ) -> None:
        """Delete objects that were listed; one that is gone meanwhile is no error."""

        async def one(obj: Object) -> None:
            with suppress(NotFound):
                await self.delete(served, key_of(obj), options, write)

        await asyncio.gather(*map(one, objects))

    async def _write(
        self, served: Served, key: Key, compute: Callable[[Object | None], Object | None], dry_run: bool
    ) -> Object | None:
        """Write, or only compute; the answer of a removal is what was removed."""
        kind, resource = served.kind, served.resource
        if dry_run:
            current = self.state.collection(kind).latest(key)
            return compute(current) or current
        try:
            return await self.state.write(kind, key, compute)
        except Stale as error:  # another server on the same store was faster
            if error.current:
                raise Conflict.of(resource.plural, key[1], updating.MODIFIED, resource.group) from error
            raise not_found(served, key[1]) from error
        except StorageError as error:
            raise InternalError(f"Internal error occurred: {error}") from error

    def _typed(self, served: Served, obj: Object, options: WriteOptions) -> Object:
        """Return a private copy of `obj` in canonical form; what is unknown is dropped, refused or warned about."""
        resource = served.resource
        obj = creating.with_type(served, obj)
        gvk = (resource.group, resource.version, resource.kind)
        new, unknown = schema.typed(
            obj, gvk, served.type, strict=options.validation == "Strict", duplicates=options.duplicates
        )
        if options.validation == "Warn":
            for warning in unknown:
                options.warn(warning)
        return new

    def _context(self, options: WriteOptions) -> HookContext:
        settings = self._settings
        return HookContext(self.state, self._catalog, settings.service_cidr, settings.node_port_range, options)
