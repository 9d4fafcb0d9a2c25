"""An in-memory API server behind the `Client` contract: what components are tested with.

It keeps the promises a component leans on (versions, conflicts, selectors, watches from a version, finalizers, graceful
deletion of pods, the status and binding subresources) and none of the others: it neither defaults nor validates nor
runs controllers. Tests put the world in place with `put`, and break it with `fail`, `stop`, `end_watches` and `expire`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

from tests.fake import rules
from tests.fake.store import FakeStore, Matcher
from wherry.client.interface import ObjectList, WatchEvent
from wherry.objects import Object, definitions, metadata, patch, selectors
from wherry.objects import resource as known
from wherry.objects.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    Expired,
    NotFound,
    ServiceUnavailable,
)
from wherry.objects.resource import PODS, Resource
from wherry.objects.verbs import PatchType

DISCOVERY = Resource("", "", "", "")
"""What the call `discover`, which is about no resource, is recorded for."""


class Call(NamedTuple):
    """One request the fake has answered or failed."""

    verb: str
    resource: Resource
    namespace: str | None
    name: str
    subresource: str = ""


class _Failure(NamedTuple):
    error: ApiError
    verb: str | None
    resource: Resource | None

    def meets(self, call: Call) -> bool:
        return self.verb in (None, call.verb) and self.resource in (None, call.resource)


class FakeClient:
    """A `Client` whose server is a dict. `objects` are put in place as they are; `now` tells the time in seconds.

    `calls` lists what was asked, for tests that prove something was *not* written.
    """

    def __init__(self, *objects: Object, now: Callable[[], float] = time.time):
        self.calls: list[Call] = []
        self._store = FakeStore()
        self._now = now
        self._stopped = False
        self._failures: list[_Failure] = []
        self._resources = {(r.api_version, r.kind): r for r in vars(known).values() if isinstance(r, Resource)}
        self._closed = False
        self._gone: set[Resource] = set()
        self._set_changed = asyncio.Event()
        self._random = random.Random(0)  # names from generateName are the same on every run
        self.put(*objects)

    # The world a test makes

    def put(self, *objects: Object, resource: Resource | None = None) -> None:
        """Place objects, status and all, over what is there; no rule is applied but identity and version.

        `resource` is needed for kinds `wherry.objects.resource` does not list.
        """
        for obj in objects:
            kind = resource or self._resources[obj["apiVersion"], obj["kind"]]
            new = metadata.copy(obj)
            meta = new["metadata"]
            if kind.namespaced:
                meta.setdefault("namespace", "default")
            rules.identify(meta, self._store.get(kind, meta.get("namespace", ""), meta["name"]), self._now())
            self._store.put(kind, new)

    def remove(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Take an object away at once, whatever its finalizers or grace period."""
        self._store.remove(resource, namespace, name)

    def serve(self, resource: Resource) -> None:
        """Serve one resource more."""
        self._gone.discard(resource)
        self._resources[resource.api_version, resource.kind] = resource
        self._tell_set()

    def unserve(self, resource: Resource) -> None:
        """Serve a resource no more: nobody finds it, and its watches end."""
        self._gone.add(resource)
        del self._resources[resource.api_version, resource.kind]
        self._store.end_watches(resource=resource)
        self._tell_set()

    def peek(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """Return one current object, or None, without a call."""
        return self._store.get(resource, namespace, name)

    def peek_all(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        """Return the current objects of a resource (of one namespace), without a call."""
        return list(self._store.list(resource, namespace))

    def fail(
        self, error: ApiError, *, verb: str | None = None, resource: Resource | None = None, times: int = 1
    ) -> None:
        """Let the next `times` calls of `verb` on `resource` (None: any) raise `error`."""
        self._failures += [_Failure(error, verb, resource)] * times

    def stop(self) -> None:
        """Become unreachable: watches break, and every call raises `ServiceUnavailable` until `start`."""
        self._stopped = True
        self._store.end_watches(ServiceUnavailable("the server is stopped"))

    def start(self) -> None:
        """Be reachable again, with all objects."""
        self._stopped = False

    def end_watches(self, error: ApiError | None = None) -> None:
        """End every watch under way: in peace, as a server does after its timeout, or with `error`."""
        self._store.end_watches(error)

    def expire(self) -> None:
        """Forget the history: watches under way, and any from an older version, raise `Expired`."""
        self._store.expire()

    def bookmark(self) -> None:
        """Send a bookmark to every watch."""
        self._store.bookmark()

    @property
    def watching(self) -> int:
        """How many watches are under way."""
        return self._store.watching

    async def told(self) -> None:
        """Return once every watch has handed over what there was to tell: what follows at once has happened then."""
        while self._store.untold:  # noqa: ASYNC110 - the watches tell nobody
            await asyncio.sleep(0)

    def writes(self) -> list[Call]:
        """Return the calls that meant to change something."""
        return [c for c in self.calls if c.verb in ("create", "update", "patch", "delete")]

    # The contract

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """See `Client.get`. Subresources: `scale`."""
        await self._arrive(Call("get", resource, namespace, name, subresource))
        found = self._current(resource, name, namespace)
        return rules.part(resource, found, subresource) if subresource else found

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> ObjectList:
        """See `Client.list`. A page begins after the name that `continue_` ends with; `expire` makes it too late."""
        await self._arrive(Call("list", resource, namespace, ""))
        version, _, after = continue_.partition(" ")
        if continue_ and int(version) < self._store.oldest:
            raise Expired("the next page is no longer kept")
        matches = _matcher(labels, fields)
        found = [o for o in self._store.list(resource, namespace) if matches(o) and _place(o) > after]
        page = sorted(found, key=_place)[:limit] if limit else found
        token = f"{self._store.version} {_place(page[-1])}" if len(page) < len(found) else ""
        return ObjectList(page, str(self._store.version), token)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """See `Client.watch`."""
        await self._arrive(Call("watch", resource, namespace, ""))
        async for event in self._store.watch(resource, namespace, _matcher(labels, fields), resource_version):
            yield event

    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, name: str = "", subresource: str = ""
    ) -> Object:
        """See `Client.create`. Subresources: `binding` and `eviction` of pods."""
        name = name or obj.get("metadata", {}).get("name", "")
        await self._arrive(Call("create", resource, namespace, name, subresource))
        if subresource:
            return self._post(resource, obj, namespace, name, subresource)
        new = metadata.copy(obj)
        meta = new.setdefault("metadata", {})
        self._place(resource, meta, namespace)
        if self._store.get(resource, meta.get("namespace", ""), meta["name"]):
            raise AlreadyExists.of(resource.plural, meta["name"], resource.group)
        return self._store.put(resource, rules.created(resource, new, self._now()))

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `Client.update`. Subresources: `status`, and `finalize` of namespaces."""
        meta = obj["metadata"]
        await self._arrive(Call("update", resource, meta.get("namespace"), meta["name"], subresource))
        old = self._current(resource, meta["name"], meta.get("namespace"))
        return self._replace(resource, old, metadata.copy(obj), subresource)

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str = "",
    ) -> Object:
        """See `Client.patch`. Subresources as for `update`."""
        await self._arrive(Call("patch", resource, namespace, name, subresource))
        old = self._current(resource, name, namespace)
        return self._replace(resource, old, _patched(resource, old, patch, type), subresource)

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
    ) -> None:
        """See `Client.delete`."""
        await self._arrive(Call("delete", resource, namespace, name))
        old = self._current(resource, name, namespace)
        rules.check_preconditions(resource, old, None, uid)
        self._delete(resource, old, grace_period_seconds, propagation_policy)

    async def resources(self) -> AsyncGenerator[Sequence[Resource], None]:
        """See `Client.resources`."""
        while not self._closed:
            await self._arrive(Call("discover", DISCOVERY, None, ""))
            changed = self._set_changed
            yield list(self._resources.values())
            await changed.wait()

    async def close(self) -> None:
        """See `Client.close`."""
        self._closed = True
        self._tell_set()
        self._store.end_watches()

    # The server's side

    def _tell_set(self) -> None:
        self._set_changed.set()
        self._set_changed = asyncio.Event()

    async def _arrive(self, call: Call) -> None:
        """Record a call, let others run meanwhile as a network would, and fail it if a test asked for that."""
        self.calls.append(call)
        await asyncio.sleep(0)
        if self._stopped:
            raise ServiceUnavailable("the server is stopped")
        if call.resource in self._gone:
            raise NotFound("the server could not find the requested resource", details={})
        for failure in self._failures:
            if failure.meets(call):
                self._failures.remove(failure)
                raise failure.error

    def _current(self, resource: Resource, name: str, namespace: str | None) -> Object:
        obj = self._store.get(resource, (namespace or "") if resource.namespaced else "", name)
        if obj is None:
            raise NotFound.of(resource.plural, name, resource.group)
        return obj

    def _place(self, resource: Resource, meta: Object, namespace: str | None) -> None:
        """Settle a new object's namespace and name, in place."""
        if not resource.namespaced:
            meta.pop("namespace", None)
        elif namespace and meta.get("namespace", namespace) != namespace:
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        else:
            meta.setdefault("namespace", namespace or "default")
        if not meta.get("name"):
            if not meta.get("generateName"):
                raise BadRequest("name or generateName is required")
            meta["name"] = meta["generateName"] + "".join(self._random.choices("bcdfghjklmnpqrstvwxz2456789", k=5))

    def _replace(self, resource: Resource, old: Object, new: Object, subresource: str) -> Object:
        meta = new["metadata"]
        rules.check_preconditions(resource, old, meta.get("resourceVersion"), meta.get("uid"))
        new = rules.replaced(resource, old, new, subresource)
        if new == old:
            return old
        if rules.is_finished(new):
            self._store.remove(resource, *metadata.key(old))
            return new
        return self._store.put(resource, new)

    def _post(self, resource: Resource, obj: Object, namespace: str | None, name: str, subresource: str) -> Object:
        if resource != PODS or subresource not in ("binding", "eviction"):
            raise rules.no_subresource(resource, subresource)
        pod = self._current(resource, name, namespace)
        if subresource == "binding":
            self._store.put(PODS, rules.bound(pod, obj["target"]["name"], self._now()))
        else:
            self._delete(PODS, pod, obj.get("deleteOptions", {}).get("gracePeriodSeconds"), None)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    def _delete(self, resource: Resource, old: Object, asked: int | None, propagation: str | None) -> None:
        left = rules.deleted(old, asked, propagation, self._now())
        if left is None:
            self._store.remove(resource, *metadata.key(old))
        elif left != old:
            self._store.put(resource, left)


def _matcher(labels: str, fields: str) -> Matcher:
    by_label, by_field = selectors.parse_labels(labels), selectors.parse_fields(fields)

    def matches(obj: Object) -> bool:
        return by_label.matches(metadata.labels(obj)) and by_field.matches(lambda path: _field(obj, path))

    return matches


def _field(obj: Object, path: str) -> str:
    """Return the text of any field by its dotted path, "" where there is none."""
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _patched(resource: Resource, old: Object, change: Any, type: PatchType) -> Object:
    if type == "json":
        return patch.json_patch(old, change)
    if type == "merge":
        return patch.merge_patch(old, change)
    return patch.strategic_merge(old, change, definitions.of_kind((resource.group, resource.version, resource.kind)))


def _place(obj: Object) -> str:
    return "/".join(metadata.key(obj))
