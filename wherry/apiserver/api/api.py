"""The verbs, behind authorisation: what both the HTTP server and the in-process client call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.admission.asked import CONNECT, CREATE
from wherry.apiserver.api import actions, reviews, views
from wherry.apiserver.api.actions import Action
from wherry.apiserver.api.computed import Computed
from wherry.apiserver.api.reviews import Review
from wherry.apiserver.api.views import View
from wherry.apiserver.catalog import Catalog, Served, unknown_path
from wherry.apiserver.registry.options import DeleteOptions, ListOptions, WatchOptions, WriteOptions
from wherry.apiserver.registry.reader import Page, Stream
from wherry.apiserver.registry.registry import Put, Registry
from wherry.apiserver.registry.transaction import Outcome
from wherry.apiserver.state.change import Key
from wherry.apiserver.user import User
from wherry.objects import Object, patch, selectors
from wherry.objects.errors import BadRequest, MethodNotAllowed, UnsupportedMediaType
from wherry.objects.resource import Resource
from wherry.objects.structural.shape import Shape
from wherry.objects.verbs import PatchType

_NOT_STRATEGIC = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL names: a collection, an object (`name`), or a part of one (`subresource`).

    `namespace` is None for all namespaces, and for kinds without. `path` is what follows a `proxy` subresource, escaped
    as the client wrote it: empty, or with a slash in front.
    """

    resource: Resource
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    path: str = ""

    @property
    def key(self) -> Key:
        """The object's key."""
        return self.namespace or "", self.name

    def attributes(self, verb: str, name: str = "") -> Attributes:
        """Return what `verb` on it asks for."""
        return Attributes(
            verb=verb,
            group=self.resource.group,
            version=self.resource.version,
            plural=self.resource.plural,
            subresource=self.subresource,
            namespace=self.namespace or "",
            name=self.name or name,
        )

    def not_allowed(self, verb: str) -> MethodNotAllowed:
        """Return the error for a verb that what is named does not have."""
        return MethodNotAllowed.of(self.attributes(verb).resource, verb, self.resource.group)


class Api:
    """Every verb checks what `user` may do, then acts. Raises the errors of `wherry.objects.errors`."""

    def __init__(
        self, registry: Registry, catalog: Catalog, authorizer: Authorizer, accounts: Accounts, computed: Computed
    ):
        self.registry = registry
        self.catalog = catalog
        self.authorizer = authorizer
        self.computed = computed
        self.actions: dict[tuple[str, str], list[Action]] = actions.actions(registry, accounts)
        self.reviews: dict[Resource, Review] = {r.resource: r for r in reviews.reviews(authorizer, accounts)}
        self.posted: tuple[Resource, ...] = (*self.reviews, *actions.COLLECTIONS)
        """What can be posted, and neither read nor written in any other way."""
        self._posted = {(r.group, r.version, r.plural): r for r in self.posted}

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the resource that has paths under these names, or None."""
        if served := self.catalog.find(group, version, plural):
            return served.resource
        return self._posted.get((group, version, plural)) or self.computed.find(group, version, plural)

    def served(self, resource: Resource) -> Served:
        """Return what serves the objects of `resource`, stored or not; raises `NotFound`."""
        return self.computed.served.get(resource) or self.catalog.of(resource)

    def answers_with_own_kind(self, target: Target) -> bool:
        """Tell whether what is answered is an object of the kind the path names, and one that can be read again."""
        if target.resource in self.posted:
            return False
        if not target.subresource:
            return True
        seen = views.views(self.served(target.resource).kind)
        return any(v.name == target.subresource and v.resource is None for v in seen)

    def count(self, resource: Resource) -> int:
        """Return how many objects of a resource there are, 0 for one that keeps none."""
        kind = self.catalog.kind(resource.group, resource.plural)
        return len(self.registry.state.collection(kind)) if kind is not None else 0

    def require(self, user: User, target: Target, verb: str) -> None:
        """Raise `Forbidden` unless `user` may do what `verb` on `target` is."""
        if verb == "delete" and not target.name:
            verb = "deletecollection"
        self.authorizer.require(user, target.attributes(verb))

    async def get(self, user: User, target: Target, resource_version: str = "") -> Object:
        """Return one object, or a view of it, that is not older than `resource_version`; "" is the newest."""
        self.authorizer.require(user, target.attributes("get"))
        served = self.served(target.resource)
        view = self._view(served, target, "get")
        if target.resource in self.computed.served:
            return await self.computed.get(served, target.key)
        await self.registry.seen(resource_version)
        return view.read(await self.registry.shown(served, target.key))

    async def list(self, user: User, target: Target, options: ListOptions) -> Page:
        """Return a list, or a page of it."""
        served = self.served(target.resource)
        self.authorizer.require(user, target.attributes("list", only_name(options.fields)))
        if target.resource in self.computed.served:
            return await self.computed.list(served, target.namespace, options, self.registry.state.revision)
        return await self.registry.list(served, target.namespace, options)

    async def watch(self, user: User, target: Target, options: WatchOptions) -> Stream:
        """Open a watch."""
        served = self.catalog.of(target.resource)
        self.authorizer.require(user, target.attributes("watch", only_name(options.fields)))
        return await self.registry.watch(served, target.namespace, options)

    async def create(self, user: User, target: Target, body: Object, options: WriteOptions) -> Object:
        """Create an object, answer a review, or perform an action on an object."""
        options = replace(options, user=user)
        if review := self.reviews.get(target.resource):
            self.authorizer.require(user, target.attributes("create"))
            return review.answer(user, _posted(review.resource, body, options), target.namespace or "")
        if of := actions.COLLECTIONS.get(target.resource):
            self.authorizer.require(user, target.attributes("create"))
            return await self._act(target, Target(of[0], target.namespace, subresource=of[1]), body, options)
        served = self.catalog.of(target.resource)
        if target.subresource:
            self._action(target)
            self.authorizer.require(user, target.attributes("create"))
            return await self._act(target, target, body, options)
        if target.name:
            raise target.not_allowed("create")
        self.authorizer.require(user, target.attributes("create"))
        return await self.registry.create(served, body, target.namespace, options)

    async def update(self, user: User, target: Target, body: Object, options: WriteOptions) -> Put:
        """Replace an object, or a part of it; create it where its kind allows that."""
        self.authorizer.require(user, target.attributes("update"))
        if target.subresource:
            return Put(await self._modify(user, target, "update", lambda shown: body, options), False)
        served = self.catalog.of(target.resource)
        may_create = partial(self.authorizer.require, user, target.attributes("create"))
        return await self.registry.put(served, target.key, body, replace(options, user=user), may_create)

    async def patch(self, user: User, target: Target, type: PatchType, body: Any, options: WriteOptions) -> Object:
        """Patch an object, or a part of it."""
        self.authorizer.require(user, target.attributes("patch"))
        served = self.catalog.of(target.resource)
        type_ = self._view(served, target, "patch").type_of(served)

        def patched(shown: Object) -> Object:
            match type:
                case "json":
                    return patch.json_patch(shown, body)
                case "merge":
                    return patch.merge_patch(shown, body)
                case "strategic" if isinstance(served.type, Shape) or isinstance(type_, Shape):
                    raise UnsupportedMediaType(_NOT_STRATEGIC)
                case "strategic":
                    return patch.strategic_merge(shown, body, type_)

        return await self._modify(user, target, "patch", patched, options)

    async def apply(self, user: User, target: Target, config: Object, options: WriteOptions) -> Put:
        """Apply a configuration to an object, or to a part of it; create the object where there is none."""
        self.authorizer.require(user, target.attributes("patch"))
        served = self.catalog.of(target.resource)
        view = self._view(served, target, "patch")
        options = replace(options, user=user, subresource=target.subresource, view=view)
        may_create = partial(self.authorizer.require, user, target.attributes("create"))
        config = view.applied(served, config)
        result = await self.registry.apply(served, target.key, config, options, may_create, view.part)
        return result._replace(object=view.read(result.object))

    async def delete(self, user: User, target: Target, options: DeleteOptions, write: WriteOptions) -> Outcome:
        """Delete one object."""
        self.authorizer.require(user, target.attributes("delete"))
        if target.subresource:
            raise target.not_allowed("delete")
        served = self.catalog.of(target.resource)
        return await self.registry.delete(served, target.key, options, replace(write, user=user))

    async def delete_collection(
        self, user: User, target: Target, selected: ListOptions, options: DeleteOptions, write: WriteOptions
    ) -> Page:
        """Delete every object of a list; return what was deleted."""
        self.authorizer.require(user, target.attributes("deletecollection"))
        served = self.catalog.of(target.resource)
        page = await self.registry.list(served, target.namespace, selected)
        await self.registry.delete_all(served, page.items, options, replace(write, user=user))
        return page

    async def connecting(self, user: User, target: Target, kind: Resource, options: Object) -> None:
        """Have webhooks allow a connection (exec, attach, portforward, proxy), which `options` of `kind` ask for."""
        asked = WriteOptions(user=user, subresource=target.subresource)
        await self.registry.consulting.about_posted(CONNECT, target.resource, target.key, kind, options, asked)

    async def _act(self, asked: Target, target: Target, body: Object, options: WriteOptions) -> Object:
        """Do to an object what is posted to it, once webhooks have had their say about what was `asked` for."""
        action = self._action(target)
        posted = _posted(action.resource, body, options)
        key = target.namespace or "", target.name or _named(posted, target.namespace or "")
        asking = replace(options, subresource=asked.subresource)
        consulting = self.registry.consulting
        posted = await consulting.about_posted(CREATE, asked.resource, key, action.resource, posted, asking)
        return await action.run(self.catalog.of(target.resource), key, posted, replace(options, admitted=True))

    async def _modify(
        self, user: User, target: Target, verb: str, change: Callable[[Object], Object], options: WriteOptions
    ) -> Object:
        served = self.catalog.of(target.resource)
        view = self._view(served, target, verb)

        def changed(obj: Object) -> Object:
            return view.write(obj, change(view.read(obj)))

        options = replace(options, user=user, subresource=target.subresource, view=view)
        result = await self.registry.modify(served, target.key, changed, options, view.part)
        return view.read(result)

    def _view(self, served: Served, target: Target, verb: str) -> View:
        if not target.subresource:
            return views.PLAIN
        view = self._views(served).get(target.subresource)
        if view is None and target.subresource not in self._posts(target):
            raise unknown_path()
        if view is None or verb not in view.verbs:
            raise target.not_allowed(verb)
        return view

    def _action(self, target: Target) -> Action:
        action = self._posts(target).get(target.subresource)
        if action is None and target.subresource in self._views(self.catalog.of(target.resource)):
            raise target.not_allowed("create")
        if action is None:
            raise unknown_path()
        return action

    @staticmethod
    def _views(served: Served) -> dict[str, View]:
        return {view.name: view for view in views.views(served.kind)}

    def _posts(self, target: Target) -> dict[str, Action]:
        found = self.actions.get((target.resource.group, target.resource.plural), ())
        return {action.name: action for action in found}


def _posted(resource: Resource, body: Object, options: WriteOptions) -> Object:
    """Return what is posted and not stored as its kind carries it; raises `BadRequest`."""
    kind = body.get("kind") or resource.kind  # the Python client does not say
    if kind != resource.kind:
        raise BadRequest(f"expected {resource.kind}, got {kind}")
    named = {**body, "apiVersion": resource.api_version, "kind": kind}
    return options.typed(named, (resource.group, resource.version, kind))


def _named(posted: Object, namespace: str) -> str:
    """Return the name of the object something is posted for; raises `BadRequest`."""
    meta = posted.get("metadata") or {}
    if meta.get("namespace", namespace) != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    if not meta.get("name"):
        raise BadRequest("name is required")
    return str(meta["name"])


def only_name(fields: str) -> str:
    """Return the name a field selector asks for, so that a rule with resourceNames can allow a list of one."""
    try:
        return selectors.parse_fields(fields).required("metadata.name") or ""
    except BadRequest:
        return ""  # the registry refuses it, with the reason
