"""What is served: the classic lists, a document per group and version, and the aggregated one, all in one request.

Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#discovery-api, KEP-3352; the order of versions is
that of apimachinery pkg/version (CompareKubeAwareVersionStrings).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import msgspec
from aiohttp import web

from wherry.apiserver.api import views
from wherry.apiserver.api.api import Api
from wherry.apiserver.catalog import Served, unknown_path
from wherry.apiserver.web import media
from wherry.objects import Object
from wherry.objects.errors import NotAcceptable
from wherry.objects.resource import PODS, Resource

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
AGGREGATED = "apidiscovery.k8s.io"
_STAGES = {"": 2, "beta": 1, "alpha": 0}


@dataclass(frozen=True, slots=True)
class Part:
    """A subresource as discovery shows it."""

    name: str
    kind: Resource
    verbs: tuple[str, ...]


def _connect(kind: str) -> Resource:
    return Resource("", "v1", "", kind)


CONNECTED = (
    Part("attach", _connect("PodAttachOptions"), ("create", "get")),
    Part("exec", _connect("PodExecOptions"), ("create", "get")),
    Part("log", _connect("Pod"), ("get",)),
    Part("portforward", _connect("PodPortForwardOptions"), ("create", "get")),
)
"""What a pod's node answers itself."""


class Discovery:
    """The documents, made once: what is served does not change while the server runs."""

    def __init__(self, api: Api, server_address: str):
        self._api = api
        self._address = server_address
        self._groups = self._by_group()
        self._cache: dict[tuple[str, str], tuple[bytes, str]] = {}

    def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a path below `/api` or `/apis` that names no resource; raises `NotFound`, `NotAcceptable`."""
        path = request.path.rstrip("/")
        version = _aggregated(request.headers.get("Accept", "")) if path in ("/api", "/apis") else ""
        data, tag = self._document(path, version)
        headers = {"ETag": f'"{tag}"', "Cache-Control": "public", "Vary": "Accept"}
        if version:
            headers["Content-Type"] = f"application/json;g={AGGREGATED};v={version};as=APIGroupDiscoveryList"
        else:
            headers["Content-Type"] = "application/json"
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=data, headers=headers)

    def _document(self, path: str, version: str) -> tuple[bytes, str]:
        cached = self._cache.get((path, version))
        if cached is None:
            data = msgspec.json.encode(self._made(path, version))
            cached = self._cache[path, version] = data, hashlib.sha256(data).hexdigest().upper()
        return cached

    def _made(self, path: str, version: str) -> Object:
        match path.split("/")[1:]:
            case ["api"]:
                return self._aggregated(version, core=True) if version else self._core_versions()
            case ["apis"]:
                return self._aggregated(version, core=False) if version else self._group_list()
            case ["apis", group] if group in self._groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}
            case ["api", v] if v in self._groups.get("", {}):
                return self._resource_list("", v)
            case ["apis", group, v] if v in self._groups.get(group, {}):
                return self._resource_list(group, v)
        raise unknown_path()

    def _by_group(self) -> dict[str, dict[str, list[Resource]]]:
        """Return group -> version -> resources, the groups and versions in the order clients shall prefer them."""
        found: dict[str, dict[str, list[Resource]]] = {}
        for resource in [*(served.resource for served in self._api.catalog), *self._api.reviews]:
            found.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
        order = sorted(found, key=lambda group: (group == "extensions", list(found).index(group)))
        return {g: {v: found[g][v] for v in sorted(found[g], key=_priority, reverse=True)} for g in order}

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
        entries: list[Object] = []
        for resource in sorted(self._groups[group][version], key=lambda r: r.plural):
            served = self._served(resource)
            entry = {
                "name": resource.plural,
                "singularName": _singular(served, resource),
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": list(VERBS if served else ("create",)),
            }
            if served and served.kind.short_names:
                entry["shortNames"] = list(served.kind.short_names)
            if served and served.kind.categories:
                entry["categories"] = list(served.kind.categories)
            entries.append(entry)
            entries += [_classic_part(resource, part) for part in self._parts(served)]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}

    # Aggregated

    def _aggregated(self, version: str, *, core: bool) -> Object:
        items = [self._group_discovery(name) for name in self._groups if (name == "") is core]
        api_version = f"{AGGREGATED}/{version}"
        return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}

    def _group_discovery(self, name: str) -> Object:
        versions = [
            {
                "version": version,
                "freshness": "Current",
                "resources": [self._resource_discovery(r) for r in sorted(resources, key=lambda r: r.plural)],
            }
            for version, resources in self._groups[name].items()
        ]
        return {"metadata": {"name": name, "creationTimestamp": None}, "versions": versions}

    def _resource_discovery(self, resource: Resource) -> Object:
        served = self._served(resource)
        entry: Object = {
            "resource": resource.plural,
            "responseKind": _kind(resource),
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": _singular(served, resource),
            "verbs": list(VERBS if served else ("create",)),
        }
        if served and served.kind.short_names:
            entry["shortNames"] = list(served.kind.short_names)
        if served and served.kind.categories:
            entry["categories"] = list(served.kind.categories)
        if parts := self._parts(served):
            entry["subresources"] = [
                {"subresource": part.name, "responseKind": _kind(part.kind), "verbs": list(part.verbs)}
                for part in parts
            ]
        return entry

    def _served(self, resource: Resource) -> Served | None:
        return None if resource in self._api.reviews else self._api.catalog.of(resource)

    def _parts(self, served: Served | None) -> list[Part]:
        """Return the subresources by name."""
        if served is None:
            return []
        resource = served.resource
        found = [Part(v.name, v.resource or resource, v.verbs) for v in views.views(served.kind)]
        for action in self._api.actions.get((resource.group, resource.plural), ()):
            found.append(Part(action.name, action.resource, ("create",)))
        if resource == PODS:
            found += CONNECTED
        return sorted(found, key=lambda part: part.name)


def _singular(served: Served | None, resource: Resource) -> str:
    return (served.kind.singular if served else "") or resource.kind.lower()


def _kind(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _classic_part(parent: Resource, part: Part) -> Object:
    entry: Object = {
        "name": f"{parent.plural}/{part.name}",
        "singularName": "",
        "namespaced": parent.namespaced,
        "kind": part.kind.kind,
        "verbs": list(part.verbs),
    }
    if (part.kind.group, part.kind.version) != (parent.group, parent.version):
        entry |= {"group": part.kind.group, "version": part.kind.version}
    return entry


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
    raise NotAcceptable("only the following media types are accepted: application/json", details={})


def _priority(version: str) -> tuple[int, int, int]:
    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return -1, 0, 0
    return _STAGES[match[2] or ""], int(match[1]), int(match[3] or 0)
