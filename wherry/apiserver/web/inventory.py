"""Everything that is served, in the words discovery and OpenAPI share."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.apiserver.api import computed, views
from wherry.apiserver.api.api import Api
from wherry.apiserver.catalog import REPEATING, Served, preference
from wherry.apiserver.kind import Described
from wherry.objects.resource import NODES, PODS, SERVICES, Resource

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Part:
    """A subresource: what it reads and writes; what is no object but a stream has `options` for a request."""

    name: str
    kind: Resource
    verbs: tuple[str, ...]
    options: Resource | None = None


@dataclass(frozen=True, slots=True)
class ResourceEntry:
    """A resource of one group and version; `type` where Kubernetes' own schema does not say what it looks like."""

    resource: Resource
    verbs: tuple[str, ...]
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    type: Described | None = None
    list_kind: str = ""


def _connected(name: str, options: str, *verbs: str, kind: str = "") -> Part:
    return Part(name, Resource("", "v1", "", kind or options), verbs, Resource("", "v1", "", options))


_PROXY_VERBS = ("create", "delete", "get", "patch", "update")

CONNECTED: dict[Resource, tuple[Part, ...]] = {
    NODES: (_connected("proxy", "NodeProxyOptions", *_PROXY_VERBS),),
    PODS: (
        _connected("attach", "PodAttachOptions", "create", "get"),
        _connected("exec", "PodExecOptions", "create", "get"),
        _connected("log", "PodLogOptions", "get", kind="Pod"),
        _connected("portforward", "PodPortForwardOptions", "create", "get"),
        _connected("proxy", "PodProxyOptions", *_PROXY_VERBS),
    ),
    SERVICES: (_connected("proxy", "ServiceProxyOptions", *_PROXY_VERBS),),
}
"""What this server does not answer itself but passes on (`wherry.apiserver.web.connect`)."""


def inventory(api: Api) -> list[ResourceEntry]:
    """Return every resource, by group and version in the order clients shall prefer them, then by name.

    Groups stand in the order in which kinds declare them, `extensions` last.
    """
    entries = [_entry(api, served) for served in api.catalog]
    entries += [ResourceEntry(r, ("create",), r.kind.lower()) for r in api.posted]
    entries += [
        ResourceEntry(r, computed.VERBS, served.kind.singular, tuple(served.kind.short_names))
        for r, served in api.computed.served.items()
    ]
    groups = list(dict.fromkeys(e.resource.group for e in entries))

    def order(entry: ResourceEntry) -> tuple[bool, int, tuple[bool, int, int, int], str]:
        version = preference(entry.resource)
        return version[0], groups.index(entry.resource.group), version, entry.resource.plural

    return sorted(entries, key=order)


def _entry(api: Api, served: Served) -> ResourceEntry:
    kind, resource = served.kind, served.resource
    parts = [Part(v.name, v.resource or resource, v.verbs) for v in views.views(kind)]
    parts += [Part(a.name, a.resource, ("create",)) for a in api.actions.get((resource.group, resource.plural), ())]
    parts += CONNECTED.get(resource, ())
    # Were `ing` a name in both of its groups, kubectl would warn of the second on every `get ing`.
    repeated = resource.group == REPEATING
    return ResourceEntry(
        resource,
        VERBS,
        kind.singular,
        () if repeated else tuple(kind.short_names),
        () if repeated else tuple(kind.categories),
        tuple(sorted(parts, key=lambda part: part.name)),
        kind.types.get((resource.group, resource.version)),
        kind.list_kind,
    )
