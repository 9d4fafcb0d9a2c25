"""What a server serves, read from its discovery documents.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api and client-go discovery
(ServerPreferredResources); servers before 1.27 know only the classic documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.errors import NotFound
from wherry.objects.resource import Resource

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
ACCEPT = ",".join([*map(_AGGREGATED.format, ("v2", "v2beta1")), "application/json"])

NEEDED = {"list", "watch", "delete"}
REPEATING = {("extensions", "ingresses"), ("events.k8s.io", "events")}
"""Resources whose objects another group serves too, under the same plural (core's events, networking's ingresses)."""


class Tagged(NamedTuple):
    """A document, and the entity tag by which the server knows it again."""

    document: Object
    tag: str


Get = Callable[[str, Tagged | None], Awaitable[Tagged]]
"""Return what a path has now; given what it had, that very thing if it has not changed."""


class Discovered(NamedTuple):
    """One resource of one version, and what may be done with it."""

    resource: Resource
    verbs: frozenset[str]


class Discovery:
    """Asks one server; what has not changed is not sent again."""

    def __init__(self, get: Get):
        self._get = get
        self._known: dict[str, Tagged] = {}

    async def resources(self) -> list[Resource]:
        """Return every stored resource once, see `Client.resources`."""
        return stored([entry for path in ("/api", "/apis") for entry in await self._entries(path)])

    async def _entries(self, path: str) -> list[Discovered]:
        document = await self._document(path)
        if document.get("kind") == "APIGroupDiscoveryList":
            return list(aggregated(document))
        found: list[Discovered] = []
        for version in versions(path, document):
            with suppress(NotFound):  # gone since the list was made
                found += classic(await self._document(version))
        return found

    async def _document(self, path: str) -> Object:
        self._known[path] = await self._get(path, self._known.get(path))
        return self._known[path].document


def stored(entries: Iterable[Discovered]) -> list[Resource]:
    """Return the resources that can be listed, watched and deleted, each under the first version that has it."""
    found: dict[tuple[str, str], Resource] = {}
    for resource, verbs in entries:
        if verbs >= NEEDED and (resource.group, resource.plural) not in REPEATING:
            found.setdefault((resource.group, resource.plural), resource)
    return list(found.values())


def aggregated(document: Object) -> Iterator[Discovered]:
    """Yield the resources of an APIGroupDiscoveryList, preferred versions first."""
    for group in document.get("items") or ():
        name = group["metadata"].get("name", "")
        for version in group.get("versions") or ():
            for entry in version.get("resources") or ():
                kind = (entry.get("responseKind") or {}).get("kind", "")
                namespaced = entry.get("scope") == "Namespaced"
                resource = Resource(name, version["version"], entry["resource"], kind, namespaced)
                yield Discovered(resource, frozenset(entry.get("verbs") or ()))


def versions(path: str, document: Object) -> list[str]:
    """Return the paths of the versions an APIVersions or APIGroupList names, the preferred ones of a group first."""
    if path == "/api":
        return [f"/api/{version}" for version in document.get("versions") or ()]
    found: dict[str, None] = {}
    for group in document.get("groups") or ():
        for version in (group["preferredVersion"], *group["versions"]):
            found[f"/apis/{version['groupVersion']}"] = None
    return list(found)


def classic(document: Object) -> Iterator[Discovered]:
    """Yield the resources of an APIResourceList; those with a slash are parts of others."""
    group, _, version = document["groupVersion"].rpartition("/")
    for entry in document.get("resources") or ():
        if "/" not in entry["name"]:
            resource = Resource(group, version, entry["name"], entry["kind"], entry["namespaced"])
            yield Discovered(resource, frozenset(entry.get("verbs") or ()))
