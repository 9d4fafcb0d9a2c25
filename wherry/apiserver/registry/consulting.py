"""Policies and webhooks asked about a write, a delete, or what is posted and not stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wherry.apiserver.admission import Admission, deciding
from wherry.apiserver.admission.asked import CREATE, DELETE, UPDATE, Asked, Posted, Subject
from wherry.apiserver.admission.policies.policy import Policy
from wherry.apiserver.admission.rules import About
from wherry.apiserver.admission.webhooks.stage import Wanted
from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.registry.draft import Draft
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.written import Written
from wherry.apiserver.state.change import Key
from wherry.objects import Object, metadata
from wherry.objects.resource import NAMESPACES, Resource


class Found(NamedTuple):
    """Who has a say in a request."""

    about: About
    changing: list[Policy]
    checking: list[Policy]
    webhooks: Wanted

    @property
    def any(self) -> bool:
        """Whether there is anybody."""
        return bool(self.changing or self.checking) or self.webhooks.any


class Consulting:
    """Finds the policies and webhooks for a request, and shows them what it is about. Raises what they refuse with."""

    def __init__(self, catalog: Catalog, admission: Admission):
        self._catalog = catalog
        self._policies = admission.policies
        self._webhooks = admission.webhooks
        self._decide = deciding.by(admission.authorizer)

    async def about_write(
        self, draft: Draft, again: Callable[[Draft], bool], preview: Callable[[Draft], Draft]
    ) -> None:
        """Have policies and webhooks change a draft, and then allow what it is to be: its `preview`."""
        operation, options = CREATE if draft.old is None else UPDATE, draft.options
        key = metadata.key(draft.obj)
        found = self._wanted(operation, draft.served.resource, key, options)
        if not found.any:
            return
        body = options.body("CreateOptions" if draft.old is None else "UpdateOptions")
        asked = self._asked(operation, draft.served.resource, key, options, body)
        written = self._written(draft)
        rounds = self._policies.mutating.rounds(found.changing, found.about, asked, written)

        def another_look() -> bool:
            completed = again(draft)
            return rounds.again() or completed

        changed = rounds.first()
        await self._webhooks.mutate(found.webhooks, asked, written, another_look, changed=changed)
        if found.webhooks.validating or found.checking:
            complete = self._written(preview(draft))
            self._policies.validating.run(found.checking, found.about, asked, complete)
            await self._webhooks.validate(found.webhooks, asked, complete)

    async def about_delete(self, served: Served, obj: Object, options: DeleteOptions, write: WriteOptions) -> None:
        """Have webhooks allow a delete of a stored object."""
        key = metadata.key(obj)
        found = self._wanted(DELETE, served.resource, key, write)
        if found.any:
            asked = self._asked(DELETE, served.resource, key, write, options.body(dry_run=write.dry_run))
            await self._all(found, asked, Written(self._catalog, served, None, obj))

    async def about_posted(
        self, operation: str, resource: Resource, key: Key, kind: Resource, obj: Object, options: WriteOptions
    ) -> Object:
        """Return what webhooks make of `obj`, of `kind`, which is posted to an object of `resource`."""
        found = self._wanted(operation, resource, key, options)
        if not found.any:
            return obj
        body = options.body("CreateOptions") if operation == CREATE else None
        posted = Posted(kind, obj)
        await self._all(found, self._asked(operation, resource, key, options, body), posted)
        return posted.object

    async def _all(self, found: Found, asked: Asked, subject: Subject) -> None:
        self._policies.mutating.rounds(found.changing, found.about, asked, subject).first()
        await self._webhooks.mutate(found.webhooks, asked, subject, lambda: False)
        self._policies.validating.run(found.checking, found.about, asked, subject)
        await self._webhooks.validate(found.webhooks, asked, subject)

    def _wanted(self, operation: str, resource: Resource, key: Key, options: WriteOptions) -> Found:
        about = About(resource, options.subresource, operation, bool(key[0]))
        if options.admitted:
            return Found(about, [], [], Wanted())
        changing = [] if operation == DELETE else self._policies.to_change.wanted(about)
        return Found(about, changing, self._policies.to_check.wanted(about), self._webhooks.wanted(about))

    def _written(self, draft: Draft) -> Written:
        view, managers = draft.options.view, draft.managers
        return Written(self._catalog, draft.served, draft.obj, draft.old, view, managers, draft.take)

    def _asked(self, operation: str, resource: Resource, key: Key, options: WriteOptions, body: Object | None) -> Asked:
        namespace, name = key
        return Asked(
            operation=operation,
            resource=resource,
            subresource=options.subresource,
            namespace=name if (resource.group, resource.plural) == ("", NAMESPACES.plural) else namespace,
            name=name,
            user=options.user,
            decide=self._decide,
            dry_run=options.dry_run,
            options=body,
            warn=options.warn,
        )
