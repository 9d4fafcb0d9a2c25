"""The contract of a client: what a component may ask of an API server, whatever lies between.

Every method raises the errors of `wherry.objects.errors` (and only those) when the server refuses, and
`ServiceUnavailable` when it cannot be reached. Objects returned are shared: never change them in place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, NamedTuple, Protocol

from wherry.objects import Object
from wherry.objects.resource import Resource
from wherry.objects.verbs import EventType, PatchType


class WatchEvent(NamedTuple):
    """One change. A BOOKMARK carries only `metadata.resourceVersion` (and its annotations)."""

    type: EventType
    object: Object


class ObjectList(NamedTuple):
    """Objects of a collection, and the version from which a watch continues without a gap.

    `continue_` asks for the next page; "": there is none.
    """

    items: list[Object]
    resource_version: str
    continue_: str = ""


class Client(Protocol):
    """One user's access to one API server. Safe for concurrent use in one event loop."""

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """Return one object, or its `subresource`; raises `NotFound`."""
        ...

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
        """Return all matching objects (every namespace when `namespace` is None). Selectors are Kubernetes' strings.

        With a `limit` a server may answer with a page of about so many, and with `continue_` go on from one: `Expired`
        when that was too long ago. From the version of the *first* page a watch misses nothing.
        """
        ...

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """Yield every change after `resource_version`, bookmarks included, until the server ends the watch.

        Raises `Expired` when the version is no longer kept: list again. An object that stops matching the selectors
        is a DELETED event.
        """
        ...

    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, name: str = "", subresource: str = ""
    ) -> Object:
        """Create `obj` (or post to `subresource` of object `name`: binding, eviction, token) and return the answer."""
        ...

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """Replace the object named in `obj.metadata`; raises `Conflict` when its resourceVersion is not current."""
        ...

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
        """Patch one object (JSON patch: a list; the others: an object) and return the result."""
        ...

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
        """Delete one object; `uid` is a precondition (`Conflict` when it is another's)."""
        ...

    def resources(self) -> AsyncGenerator[Sequence[Resource], None]:
        """Yield what can be listed, watched and deleted, at once, and again whenever that has changed.

        Each resource is there once, under the version its group prefers. Ends with the client only; raises as other
        calls do when the server cannot be asked: ask anew then. Within the server's process a change is told at once;
        over HTTP, where nothing announces it, it is looked for from time to time.
        """
        ...

    async def close(self) -> None:
        """Release connections; watches end."""
        ...
