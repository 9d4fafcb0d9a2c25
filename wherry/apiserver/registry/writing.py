"""The one way to write an object: create, update, patch, and a PUT that creates.

    read ─▶ change or apply ─▶ type ─▶ default ─▶ managedFields ─▶ admit, ask webhooks (may wait) ─▶ still the same?
    ─▶ prepare ─▶ allocate ─▶ validate ─▶ commit

`transaction.py` reads, compares and commits, and starts again when somebody else was faster; here is what lies between.
Defaults come before admission, as they do upstream, where decoding fills them in: what admits an object sees it as
everybody will. Managed fields come before it, too: what it adds to an object its writer did not ask for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wherry.apiserver.admission import Admission
from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.kinds.common import objectmeta, required
from wherry.apiserver.registry import applying, deleting, identity, managedfields, parts, serverfields
from wherry.apiserver.registry.consulting import Consulting
from wherry.apiserver.registry.context import HookContext, RegistrySettings
from wherry.apiserver.registry.draft import Draft, defaulted, typed
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions, silent
from wherry.apiserver.registry.reader import not_found
from wherry.apiserver.registry.transaction import Finish
from wherry.apiserver.state.change import Key
from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.apply import managers
from wherry.objects.apply.managers import APPLY, UPDATE
from wherry.objects.definitions import Type
from wherry.objects.errors import AlreadyExists, FieldError
from wherry.objects.metadata import copy

Change = Callable[[Object], Object]
"""Given the newest object in the served version, read-only, return a new one (sharing parts is fine)."""


class Writing:
    """The stages, each object's own way through them. `clock` tells the time in seconds since the epoch."""

    def __init__(
        self,
        state: State,
        catalog: Catalog,
        admission: Admission,
        consulting: Consulting,
        settings: RegistrySettings,
        clock: Callable[[], float] = time.time,
    ):
        self._state = state
        self._catalog = catalog
        self._admission = admission
        self._consulting = consulting
        self._settings = settings
        self._clock = clock

    def context(self, options: WriteOptions) -> HookContext:
        """Return what the hooks of one write may look at."""
        return HookContext(self._state, self._catalog, self._settings, options)

    async def create(
        self, served: Served, key: Key, new: Object, options: WriteOptions, current: Object | None
    ) -> Finish:
        """Attempt to create `new`, which is typed and called `key`, in the place of nothing."""
        if current is not None:
            raise AlreadyExists.of(served.resource.plural, key[1], served.resource.group)
        now = self._clock()
        obj = self._first(served, copy(new), now)
        asked = obj["metadata"].pop("managedFields", None)
        write = managedfields.write_of(served, options, "", UPDATE, now)
        entries = managedfields.after(asked, (), "")
        entries = managedfields.recorded(write, None, served.from_storage(obj), entries)
        return await self._admitted(Draft(served, obj, None, options, entries))

    async def update(
        self, served: Served, key: Key, change: Change, options: WriteOptions, part: str, current: Object | None
    ) -> Finish:
        """Attempt to replace an object with what `change` makes of it; `part` names what may be written."""
        if current is None:
            raise not_found(self._state, served, key)
        await served.ready([current])
        shown, old = served.from_storage(current), served.hub(current)
        changed = change(shown)
        if changed is shown:
            return lambda: current
        before = managedfields.live(current)
        new = typed(served, managedfields.unless_same(changed, before), options)
        obj = self._replacement(served, key, new, old, part)
        entries = managedfields.after(obj["metadata"].pop("managedFields", None), before, options.subresource)
        if part != parts.WHOLE:  # what is bound is not the binder's
            write = managedfields.write_of(served, options, part, UPDATE, self._clock())
            entries = managedfields.recorded(write, shown, served.from_storage(obj), entries)
        return await self._admitted(Draft(served, obj, old, options, entries, part, current))

    async def apply(
        self, served: Served, key: Key, config: Object, options: WriteOptions, part: str, current: Object | None
    ) -> Finish:
        """Attempt to apply `config`, which creates the object where there is none and nothing but a part is meant."""
        if current is None and options.subresource:
            raise not_found(self._state, served, key)
        if current is not None:
            await served.ready([current])
        old = served.hub(current) if current is not None else None
        now = self._clock()
        write = managedfields.write_of(served, options, part, APPLY, now)
        live = managedfields.without(served.from_storage(current)) if current else write.empty
        made = applying.applied(served, write, live, config, managedfields.live(current), force=options.force)
        new = typed(served, made.object, options)
        if old is None:
            identity.check_name(new, key)
            identity.check_absent(served.kind, new)
            obj = self._first(served, new, now)
        else:
            obj = self._replacement(served, key, new, old, part)
        obj["metadata"].pop("managedFields", None)
        entries = managers.ordered(made.managed)
        return await self._admitted(Draft(served, obj, old, options, entries, part, current))

    @staticmethod
    def _first(served: Served, new: Object, now: float) -> Object:
        """Return the object to store in the place of nothing; `new` is private."""
        obj = served.to_hub(new)
        serverfields.give(served.kind, obj["metadata"], now)
        defaulted(served, obj)
        return obj

    @staticmethod
    def _replacement(served: Served, key: Key, new: Object, old: Object, part: str) -> Object:
        """Return the object to store in the place of `old`; `new` is private."""
        identity.check_name(new, key)
        identity.check_version(served.kind, new, old)
        obj = parts.merged(served.kind, served.to_hub(new), old, part)
        defaulted(served, obj)
        return obj

    async def delete(
        self, served: Served, key: Key, options: DeleteOptions, write: WriteOptions, current: Object | None
    ) -> Finish:
        """Attempt to delete an object, or to begin to."""
        if current is None:
            raise not_found(self._state, served, key)
        deleting.check_preconditions(served.kind, current, options)
        await self._admission.admit_delete(served.kind, current, self.context(write))
        await self._consulting.about_delete(served, current, options, write)
        return lambda: deleting.begun(served.kind, current, options, self._clock())

    async def _admitted(self, draft: Draft) -> Finish:
        kind, context = draft.served.kind, self.context(draft.options)
        await self._admission.admit(kind, draft.obj, draft.old, context)
        await self._consulting.about_write(draft, self._again, self._preview)
        if kind.converter is None:
            return partial(self._finished, draft, context)
        self._complete(draft, context)  # nobody is asked to translate nonsense
        return partial(self._translated, draft, context, await kind.converter.stored(draft.obj))

    def _again(self, draft: Draft) -> bool:
        """Complete a draft that webhooks have changed; return whether that changed it more."""
        before = copy(draft.obj)
        self._admission.complete(draft.served.kind, draft.obj, draft.old, self.context(draft.options))
        return draft.obj != before

    def _preview(self, draft: Draft) -> Draft:
        """Return what a draft is to be, but for what is drawn when it is stored: that may be drawn again."""
        seen = replace(draft, obj=copy(draft.obj), options=replace(draft.options, warn=silent))
        self._complete(seen, self.context(seen.options))
        return seen

    def _finished(self, draft: Draft, context: HookContext) -> Object | None:
        """Complete and check a draft whose object is still the newest; raises `Invalid` and what hooks raise."""
        self._admission.confirm(draft.served.kind, draft.obj, draft.old, context)
        self._complete(draft, context)
        self._admission.charge(draft.served.kind, draft.obj, draft.old, context)
        return _outcome(draft, draft.obj)

    def _translated(self, draft: Draft, context: HookContext, stored: Object) -> Object | None:
        """Return what is to be stored of a complete draft, which is `stored` in another version."""
        self._admission.confirm(draft.served.kind, draft.obj, draft.old, context)
        self._admission.charge(draft.served.kind, draft.obj, draft.old, context)
        return _outcome(draft, stored)

    @staticmethod
    def _complete(draft: Draft, context: HookContext) -> None:
        kind, obj, old = draft.served.kind, draft.obj, draft.old
        for hook in (kind.prepare, kind.allocate):
            if hook is not None:
                hook(obj, old, context)
        before = managedfields.live(old)
        entries = before if managedfields.settled(draft.managers, before) else draft.managers
        if entries:
            obj["metadata"]["managedFields"] = entries
        if errors := _errors(draft):
            name = (old or obj)["metadata"].get("name", "")
            raise draft.served.invalid(name, errors)
        if old is None:
            return
        if draft.part != parts.WHOLE:  # where a pod is bound to is no change of what was wanted
            serverfields.count(kind, obj, old)
        if obj != old and entries is before and draft.managers:
            obj["metadata"]["managedFields"] = draft.managers  # something changed: then the time it did counts


def _outcome(draft: Draft, stored: Object) -> Object | None:
    """Return what a complete draft, which is to be `stored`, leaves: the very object it began with, nothing, itself."""
    if draft.old is None:
        return stored
    if draft.obj == draft.old:
        return draft.current
    return None if deleting.finished(draft.served.kind, draft.obj) else stored


def _errors(draft: Draft) -> list[FieldError]:
    """Return what is wrong with a draft; `WHOLE` exists to do what a kind's rules for updates forbid."""
    kind, obj, old = draft.served.kind, draft.obj, draft.old
    errors = objectmeta.validate(obj, kind) if old is None else objectmeta.validate_update(obj, old, kind)
    errors += managedfields.problems(draft.managers)
    if kind.validate is not None:
        errors += kind.validate(obj)
    if old is not None and kind.validate_update is not None and draft.part != parts.WHOLE:
        errors += kind.validate_update(obj, old)
    if kind.check is not None:
        errors += kind.check(obj, old, draft.part)
    if isinstance(type_ := kind.type_of(kind.resource), Type):
        errors += required.missing(obj, old, type_, errors)
    return errors
