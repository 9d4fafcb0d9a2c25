"""What is written, as those see it who admit it: in any version, through the view it is written by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.apiserver.catalog import Catalog, Served
from wherry.apiserver.registry.options import Shown
from wherry.objects import Object
from wherry.objects.resource import Resource

Take = Callable[[Served, Object], bool]
"""Let an object in a served version be what is written; return whether that is anything else."""


class Written:
    """A `Subject` of admission: `obj`, which replaces `old`, both as they are stored; None for what there is not.

    `view` is what it is written through, `managers` are the managed fields it gets. `take` is told of what others make
    of it.
    """

    def __init__(
        self,
        catalog: Catalog,
        served: Served,
        obj: Object | None,
        old: Object | None,
        view: Shown | None = None,
        managers: Sequence[Object] = (),
        take: Take | None = None,
    ):
        self._catalog = catalog
        self._served = served
        self._obj = obj
        self._old = old
        self._view = view if view is not None and view.resource is not None else None
        self._managers = managers
        self._take = take

    def kind(self, resource: Resource) -> Resource:
        """See `Subject.kind`."""
        return (self._view.resource if self._view else None) or resource

    def new(self, resource: Resource) -> Object | None:
        """See `Subject.new`."""
        shown = self._seen(resource, self._obj)
        if shown is None or not self._managers or self._view is not None:
            return shown
        return {**shown, "metadata": {**shown["metadata"], "managedFields": self._managers}}

    def old(self, resource: Resource) -> Object | None:
        """See `Subject.old`."""
        return self._seen(resource, self._old)

    def take(self, resource: Resource, changed: Object) -> bool:
        """See `Subject.take`."""
        assert self._take is not None  # who is only shown something has nothing to give back
        assert self._obj is not None
        served = self._as(resource)
        if self._view is not None:
            changed = self._view.write(served.from_storage(self._obj), changed)
        return self._take(served, changed)

    def _as(self, resource: Resource) -> Served:
        return self._served if resource == self._served.resource else self._catalog.of(resource)

    def _seen(self, resource: Resource, obj: Object | None) -> Object | None:
        if obj is None:
            return None
        shown = self._as(resource).from_storage(obj)
        return self._view.read(shown) if self._view is not None else shown
