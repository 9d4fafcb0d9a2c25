"""What is served: the classic lists, a document per group and version, and the aggregated one, all in one request.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api, KEP-3352.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from wherry.apiserver.api.api import Api
from wherry.apiserver.calls.remotes import Remotes
from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.kinds.apiregistration.apiservice import AVAILABLE
from wherry.apiserver.unserved import missing
from wherry.apiserver.web import media
from wherry.apiserver.web.documents import Document
from wherry.apiserver.web.foreign import Foreign, version_discovery
from wherry.apiserver.web.inventory import Part, ResourceEntry, inventory
from wherry.objects import Object, metadata
from wherry.objects.errors import NotAcceptable
from wherry.objects.resource import Resource

AGGREGATED = "apidiscovery.k8s.io"


class Discovery:
    """The documents, each made when it is first asked for, and again when the set of kinds has changed."""

    def __init__(self, api: Api, remotes: Remotes, server_address: str):
        self._api = api
        self._remotes = remotes
        self._address = server_address
        self._generation = (-1, (-1, -1))
        self._groups: dict[str, dict[str, list[ResourceEntry] | Foreign]] = {}
        self._documents: dict[tuple[str, str], Document] = {}

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a path below `/api` or `/apis` that names no resource; raises `NotFound`, `NotAcceptable`."""
        self._refresh()
        path = request.path.rstrip("/")
        version = _aggregated(request.headers.get("Accept", "")) if path in ("/api", "/apis") else ""
        document = self._documents.get((path, version))
        if document is None:
            kind = f";g={AGGREGATED};v={version};as=APIGroupDiscoveryList" if version else ""
            document = Document(msgspec.json.encode(self._made(path, version)), f"application/json{kind}")
            self._documents[path, version] = document
        return document.answer(request)

    def _refresh(self) -> None:
        generation = self._api.catalog.generation, self._remotes.generation
        if self._generation == generation:
            return
        self._generation = generation
        self._groups, self._documents = {}, {}
        unserved = [ResourceEntry(r, (), r.kind.lower()) for r in missing(self._api.catalog)]
        for entry in (*unserved, *inventory(self._api)):  # the last group of the inventory stays the last
            group = self._groups.setdefault(entry.resource.group, {})
            entries = group.setdefault(entry.resource.version, [])
            assert isinstance(entries, list)  # what others serve comes after all that is served here
            entries.append(entry)
        for one in sorted(self._remotes, key=_priority):
            spec, available = one["spec"], metadata.is_true(one, AVAILABLE)
            foreign = Foreign(self._remotes.known(one["metadata"]["name"]).resources, available)
            self._groups.setdefault(spec["group"], {})[spec["version"]] = foreign

    def _made(self, path: str, version: str) -> Object:
        match path.split("/")[1:]:
            case ["api"]:
                return self._aggregated(version, core=True) if version else self._core_versions()
            case ["apis"]:
                return self._aggregated(version, core=False) if version else self._group_list()
            case ["apis", group] if group and group in self._groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}
            case ["api", v] if v in self._groups.get("", {}):
                return self._resource_list("", v)
            case ["apis", group, v] if group and v in self._groups.get(group, {}):
                return self._resource_list(group, v)
        raise unknown_path()

    # Classic

    def _core_versions(self) -> Object:
        address = {"clientCIDR": "0.0.0.0/0", "serverAddress": self._address}
        versions = list(self._groups.get("", {}))
        return {"kind": "APIVersions", "versions": versions, "serverAddressByClientCIDRs": [address]}

    def _group_list(self) -> Object:
        groups = [self._group(name) for name in self._groups if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}

    def _group(self, name: str) -> Object:
        versions = [{"groupVersion": f"{name}/{v}", "version": v} for v in self._groups[name]]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _resource_list(self, group: str, version: str) -> Object:
        resources: list[Object] = []
        entries = self._groups[group][version]
        assert isinstance(entries, list)  # another server is asked for its own
        for entry in entries:
            resources.append(_classic(entry))
            resources += [_classic_part(entry.resource, part) for part in entry.parts]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}

    # Aggregated

    def _aggregated(self, version: str, *, core: bool) -> Object:
        items = [_group_discovery(name, versions) for name, versions in self._groups.items() if (name == "") is core]
        api_version = f"{AGGREGATED}/{version}"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _names(entry: ResourceEntry) -> Object:
    """Return the optional names of a resource, the same in both formats."""
    names: Object = {}
    if entry.short_names:
        names["shortNames"] = list(entry.short_names)
    if entry.categories:
        names["categories"] = list(entry.categories)
    return names


def _classic(entry: ResourceEntry) -> Object:
    resource = entry.resource
    return {
        "name": resource.plural,
        "singularName": entry.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(entry.verbs),
        **_names(entry),
    }


def _classic_part(parent: Resource, part: Part) -> Object:
    shown: Object = {
        "name": f"{parent.plural}/{part.name}",
        "singularName": "",
        "namespaced": parent.namespaced,
        "kind": part.kind.kind,
        "verbs": list(part.verbs),
    }
    if (part.kind.group, part.kind.version) != (parent.group, parent.version):
        shown |= {"group": part.kind.group, "version": part.kind.version}
    return shown


def _priority(api_service: Object) -> tuple[int, int, str]:
    """Return what sorts APIServices: those first that clients shall prefer."""
    spec = api_service["spec"]
    return -spec["groupPriorityMinimum"], -spec["versionPriority"], api_service["metadata"]["name"]


def _group_discovery(name: str, versions: dict[str, list[ResourceEntry] | Foreign]) -> Object:
    shown = [
        version_discovery(version, name, entries)
        if isinstance(entries, Foreign)
        else {"version": version, "freshness": "Current", "resources": [_resource_discovery(e) for e in entries]}
        for version, entries in versions.items()
    ]
    return {"metadata": {"name": name, "creationTimestamp": None}, "versions": shown}


def _resource_discovery(entry: ResourceEntry) -> Object:
    resource = entry.resource
    shown: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": entry.singular,
        "verbs": list(entry.verbs),
        **_names(entry),
    }
    if entry.parts:
        shown["subresources"] = [
            {"subresource": part.name, "responseKind": _kind(part.kind), "verbs": list(part.verbs)}
            for part in entry.parts
        ]
    return shown


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _aggregated(accept: str) -> str:
    """Return the version of aggregated discovery a client prefers, "" for the classic lists; raises `NotAcceptable`."""
    for clause in media.clauses(accept):
        if clause.type not in (media.JSON, "*/*", "application/*"):
            continue
        if not clause.get("as"):
            return ""
        named = clause.get("g"), clause.get("as")
        if named == (AGGREGATED, "APIGroupDiscoveryList") and clause.get("v") in ("v2", "v2beta1"):
            return clause.get("v")
    raise NotAcceptable("only the following media types are accepted: application/json")
