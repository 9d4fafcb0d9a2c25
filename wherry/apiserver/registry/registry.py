"""The verbs on stored objects.

Objects go in and come out in the version of the `Served` they are addressed by; in between they are in storage version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from wherry.apiserver.admission import Admission
from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.registry import claims, identity, transaction
from wherry.apiserver.registry.consulting import Consulting
from wherry.apiserver.registry.context import RegistrySettings
from wherry.apiserver.registry.draft import typed
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.reader import Reader
from wherry.apiserver.registry.transaction import Attempt, Finish, Outcome
from wherry.apiserver.registry.writing import Change, Writing
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, NotFound

GENERATE_ATTEMPTS = 8
"""How often a generated name is drawn before the server gives up."""


class Put(NamedTuple):
    """What became of a PUT or an apply: the object, and whether it is new."""

    object: Object
    created: bool


class Registry(Reader):
    """Reading, and the rules of writing."""

    def __init__(self, state: State, catalog: Catalog, admission: Admission, settings: RegistrySettings):
        super().__init__(state, catalog)
        self.consulting = Consulting(catalog, admission)
        self._writing = Writing(state, catalog, admission, self.consulting, settings)

    async def start(self) -> None:
        """Make good what a store of an earlier version lacks; raises `StorageError`."""
        await claims.restore(self.state, self._catalog.kinds, time.time())

    async def create(self, served: Served, obj: Object, namespace: str | None, options: WriteOptions) -> Object:
        """Create `obj` (not changed) and return it as it is stored; raises `AlreadyExists`, `Invalid` and more."""
        new = typed(served, obj, options)
        generated = not new["metadata"].get("name")
        attempts = GENERATE_ATTEMPTS if generated else 1
        while True:
            key = identity.place(served, new, namespace)
            try:
                attempt = partial(self._writing.create, served, key, new, options)
                return (await self._run(served, key, attempt, options)).object
            except AlreadyExists:
                attempts -= 1
                if not attempts:
                    raise
                del new["metadata"]["name"]

    async def modify(self, served: Served, key: Key, change: Change, options: WriteOptions, part: str = "") -> Object:
        """Replace an object by what `change` makes of it, and return the result.

        `change` is called again if the object changes meanwhile. `part` names what may be written, see `parts.merged`.
        Raises `NotFound`, `Conflict`, `Invalid` and more.
        """
        attempt = partial(self._writing.update, served, key, change, options, part)
        return (await self._run(served, key, attempt, options)).object

    async def put(
        self, served: Served, key: Key, obj: Object, options: WriteOptions, may_create: Callable[[], None]
    ) -> Put:
        """Replace an object by `obj`, or create it where its kind allows that and `may_create` does not raise."""
        created = False

        async def attempt(current: Object | None) -> Finish:
            nonlocal created
            created = current is None and served.kind.create_on_update
            if not created:
                return await self._writing.update(served, key, lambda _: obj, options, "", current)
            may_create()
            new = typed(served, obj, options)
            identity.check_name(new, key)
            identity.check_absent(served.kind, new)
            return await self._writing.create(served, key, new, options, None)

        return Put((await self._run(served, key, attempt, options)).object, created)

    async def apply(
        self,
        served: Served,
        key: Key,
        config: Object,
        options: WriteOptions,
        may_create: Callable[[], None],
        part: str = "",
    ) -> Put:
        """Apply a configuration to an object, or create the object where `may_create` does not raise.

        Raises `Conflict` for fields that others own, unless `options.force`, and what other writes raise.
        """
        created = False

        async def attempt(current: Object | None) -> Finish:
            nonlocal created
            created = current is None and not options.subresource
            if created:
                may_create()
            return await self._writing.apply(served, key, config, options, part, current)

        return Put((await self._run(served, key, attempt, options)).object, created)

    async def delete(
        self, served: Served, key: Key, options: DeleteOptions, write: WriteOptions | None = None
    ) -> Outcome:
        """Delete one object, or begin to; raises `NotFound`, `Conflict`, `Forbidden`."""
        write = write or WriteOptions()
        return await self._run(served, key, partial(self._writing.delete, served, key, options, write), write)

    async def delete_all(
        self, served: Served, objects: Sequence[Object], options: DeleteOptions, write: WriteOptions
    ) -> None:
        """Delete objects that were listed; one that is gone meanwhile is no error."""

        async def one(obj: Object) -> None:
            with suppress(NotFound):
                await self.delete(served, metadata.key(obj), options, write)

        await asyncio.gather(*map(one, objects))

    async def _run(self, served: Served, key: Key, attempt: Attempt, options: WriteOptions) -> Outcome:
        await self.fresh()
        done = await transaction.run(self.state, served.kind, key, attempt, dry_run=options.dry_run)
        await served.ready([done.object])
        return done._replace(object=served.from_storage(done.object))
