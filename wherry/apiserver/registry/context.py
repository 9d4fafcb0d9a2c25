"""What a kind's hooks may look at while one object is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wherry.apiserver.catalog import Catalog
from wherry.apiserver.kind import Kind
from wherry.apiserver.registry.options import WriteOptions
from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.family import Network
from wherry.objects.resource import Resource


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What kinds need to know of the cluster: a service range of each of its families, the first one first."""

    service_cidrs: Sequence[Network]
    node_port_range: range


class HookContext:
    """The `Context` of `wherry.apiserver.kind`: the newest objects, writes under way included."""

    def __init__(self, state: State, catalog: Catalog, settings: RegistrySettings, options: WriteOptions):
        self.service_cidrs = settings.service_cidrs
        self.node_port_range = settings.node_port_range
        self.user = options.user
        self.dry_run = options.dry_run
        self.subresource = options.subresource
        self.warn = options.warn
        self._state = state
        self._catalog = catalog

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one object in its storage version, or None."""
        kind = self._catalog.kind(resource.group, resource.plural)
        return self._state.collection(kind).latest((namespace or "", name)) if kind else None

    def list(self, resource: Resource, namespace: str | None = None) -> Iterable[Object]:
        """Yield the objects of a resource in their storage version."""
        kind = self._catalog.kind(resource.group, resource.plural)
        return self._state.collection(kind).latest_items(namespace) if kind else iter(())

    def claimed(self, kind: Kind, name: str) -> bool:
        """Return whether an object holds the claim `name` of a kind of claims."""
        return self._state.collection(kind).latest(("", name)) is not None
