"""The OpenAPI documents of an API server, built from the kinds it serves.

`swagger` is the v2 document of everything (kubectl up to 1.26, and as a fallback), `openapi_v3` one group and version
(kubectl explain, its dry-run and strict-validation checks, patch keys of apply), `openapi_v3_index` the list of those.
All are plain dicts whose references are closed. Paths and extensions follow what the API server publishes:
k8s.io/kube-openapi.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.definitions import GroupVersionKind, Type, list_of, load
from wherry.objects.openapi_schemas import PATCH, V2, V3, Dialect, reachable, schemas

_JSON = "application/json"
_PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"


class Subresource(NamedTuple):
    """One subresource: `gvk` is what it reads and writes, None for plain text or a stream (log, exec)."""

    name: str
    gvk: GroupVersionKind | None
    verbs: Sequence[str]


class ServedKind(NamedTuple):
    """One kind under one group and version; `verbs` are those of discovery: get, list, create, update, patch ...

    `type` is what its objects look like where Kubernetes' own schema does not say.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: Sequence[str]
    subresources: Sequence[Subresource] = ()
    type: Type | None = None

    @property
    def gvk(self) -> GroupVersionKind:
        """(group, version, kind)."""
        return self.group, self.version, self.kind

    @property
    def list_gvk(self) -> GroupVersionKind:
        """(group, version, kind) of a list of them."""
        return self.group, self.version, f"{self.kind}List"

    @property
    def prefix(self) -> str:
        """`/api/v1` or `/apis/apps/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


class _Parameter(NamedTuple):
    name: str
    type: str
    description: str


_QUERY = {
    p.name: p
    for p in (
        _Parameter("pretty", "string", "If 'true', the answer is pretty printed."),
        _Parameter("dryRun", "string", "`All` goes through every stage but does not persist the change."),
        _Parameter("fieldManager", "string", "The name of the actor making the change."),
        _Parameter(
            "fieldValidation", "string", "What to do about unknown or duplicate fields: Ignore, Warn or Strict."
        ),
        _Parameter("force", "boolean", "Take over fields another manager owns; for apply patches."),
        _Parameter("gracePeriodSeconds", "integer", "Seconds before the object is deleted; 0 deletes at once."),
        _Parameter("propagationPolicy", "string", "What happens to dependents: Orphan, Background or Foreground."),
        _Parameter("labelSelector", "string", "Restricts the objects by their labels."),
        _Parameter("fieldSelector", "string", "Restricts the objects by their fields."),
        _Parameter("limit", "integer", "The most objects to return in one answer."),
        _Parameter("continue", "string", "Where the next part of a limited list begins."),
        _Parameter("resourceVersion", "string", "The version to read at, or to watch from."),
        _Parameter("resourceVersionMatch", "string", "How resourceVersion applies to a list: NotOlderThan or Exact."),
        _Parameter("timeoutSeconds", "integer", "Seconds after which a list or watch ends."),
        _Parameter("watch", "boolean", "Stream changes instead of returning a list."),
        _Parameter("allowWatchBookmarks", "boolean", "Ask for BOOKMARK events."),
        _Parameter("sendInitialEvents", "boolean", "Begin a watch with the objects that exist."),
    )
}
_LIST = [
    *("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"),
    *("resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"),
]
_WRITE = ["dryRun", "fieldManager", "fieldValidation"]
_DELETE = ["dryRun", "gracePeriodSeconds", "propagationPolicy"]


class _Verb(NamedTuple):
    """How a verb of discovery looks in HTTP; `body` is what it sends: the object itself, a patch, or delete options."""

    method: str
    action: str
    query: Sequence[str]
    body: str = ""


_ITEM_VERBS = {
    "get": _Verb("get", "get", ()),
    "update": _Verb("put", "put", _WRITE, "object"),
    "patch": _Verb("patch", "patch", [*_WRITE, "force"], "patch"),
    "delete": _Verb("delete", "delete", _DELETE, "options"),
}
_COLLECTION_VERBS = {
    "list": _Verb("get", "list", _LIST),
    "create": _Verb("post", "post", _WRITE, "object"),
    "deletecollection": _Verb("delete", "deletecollection", [*_LIST, *_DELETE], "options"),
}
_SUBRESOURCE_VERBS = {**_ITEM_VERBS, "create": _COLLECTION_VERBS["create"]}


def swagger(kinds: Iterable[ServedKind], version: str = "v1") -> Object:
    """Return the OpenAPI v2 document of all `kinds`; `version` is the server's own (`v1.37.0`)."""
    served = list(kinds)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": _paths(served, _OperationsV2(_types(served))),
        "definitions": _schemas(served, {(kind.group, kind.version) for kind in served}, V2),
    }


class Version(NamedTuple):
    """All that goes into the document of one group and version: its kinds, and what other versions are served."""

    kinds: tuple[ServedKind, ...]
    versions: frozenset[tuple[str, str]]


def by_version(kinds: Iterable[ServedKind]) -> dict[str, Version]:
    """Return what goes into each document, by its path (`api/v1`, `apis/apps/v1`) below `/openapi/v3`."""
    by_prefix: dict[str, list[ServedKind]] = {}
    for kind in kinds:
        by_prefix.setdefault(kind.prefix.removeprefix("/"), []).append(kind)
    known = {gvk[:2] for gvk, _ in load().kinds()}
    versions = frozenset((served[0].group, served[0].version) for served in by_prefix.values())
    return {prefix: Version(tuple(served), versions & known) for prefix, served in sorted(by_prefix.items())}


def openapi_v3(
    kinds: Sequence[ServedKind], versions: Collection[tuple[str, str]], server_version: str = "v1"
) -> Object:
    """Return the OpenAPI v3 document of one group and version, all of whose kinds are given."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": server_version},
        "paths": _paths(kinds, _OperationsV3(_types(kinds))),
        "components": {"schemas": _schemas(kinds, versions, V3)},
    }


def openapi_v3_index(hashes: Mapping[str, str]) -> Object:
    """Return the document at `/openapi/v3`: path -> URL, which changes with the document's hash."""
    urls = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={hash_}"} for path, hash_ in hashes.items()}
    return {"paths": urls}


def _types(served: Iterable[ServedKind]) -> dict[GroupVersionKind, Type]:
    """Return the type of every kind that the paths of `served` speak of."""
    types: dict[GroupVersionKind, Type | None] = {}
    for kind in served:
        for gvk in (kind.gvk, kind.list_gvk, *(s.gvk for s in kind.subresources if s.gvk)):
            types[gvk] = load().of_kind(gvk)
        if kind.type is not None:
            types |= {kind.gvk: kind.type, kind.list_gvk: kind.type.once(list_of)}
    return {gvk: type_ for gvk, type_ in types.items() if type_ is not None}


def _schemas(served: Iterable[ServedKind], versions: Collection[tuple[str, str]], dialect: Dialect) -> Object:
    """Return the schemas that the paths of `served` refer to, marked with the kinds of `versions` that they are."""
    own = _types(served)
    kinds: dict[str, list[GroupVersionKind]] = {}
    for gvk, name in load().kinds():
        if gvk[:2] in versions:
            kinds.setdefault(name, []).append(gvk)
    for gvk, type_ in own.items():
        if load().of_kind(gvk) is None:
            kinds.setdefault(type_.name, []).append(gvk)
    always = [load().types[name] for name in (_DELETE_OPTIONS, _STATUS)]
    types = reachable([*always, *own.values()])
    types[PATCH] = None
    return schemas(types, kinds, dialect)


def _paths(served: Iterable[ServedKind], operations: _Operations) -> Object:
    paths: Object = {}
    for kind in served:
        for path, verbs, gvk in _routes(kind):
            item: Object = {}
            for verb in verbs:
                result = kind.list_gvk if verb.action == "list" else gvk
                item[verb.method] = operations.operation(kind, path, verb, gvk, result)
            if item:
                names = [name for name in ("name", "namespace") if f"{{{name}}}" in path]
                item["parameters"] = [operations.parameter("path", _Parameter(n, "string", f"The {n}.")) for n in names]
                item["parameters"].append(operations.parameter("query", _QUERY["pretty"]))
                paths[path] = item
    return dict(sorted(paths.items()))


def _routes(kind: ServedKind) -> Iterator[tuple[str, list[_Verb], GroupVersionKind | None]]:
    """Yield (path, verbs, kind of the body) of each URL a kind answers at."""
    everywhere = f"{kind.prefix}/{kind.plural}"
    collection = f"{kind.prefix}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else everywhere
    item = f"{collection}/{{name}}"
    if kind.namespaced and "list" in kind.verbs:
        yield everywhere, [_COLLECTION_VERBS["list"]], kind.gvk
    yield collection, [v for name, v in _COLLECTION_VERBS.items() if name in kind.verbs], kind.gvk
    yield item, [v for name, v in _ITEM_VERBS.items() if name in kind.verbs], kind.gvk
    for sub in kind.subresources:
        yield f"{item}/{sub.name}", [v for name, v in _SUBRESOURCE_VERBS.items() if name in sub.verbs], sub.gvk


class _Operations:
    """How one version of OpenAPI spells an operation."""

    dialect: Dialect
    parameter: Callable[[str, _Parameter], Object]

    def __init__(self, types: Mapping[GroupVersionKind, Type]):
        self._types = types

    def operation(
        self,
        kind: ServedKind,
        path: str,
        verb: _Verb,
        gvk: GroupVersionKind | None,
        result: GroupVersionKind | None,
    ) -> Object:
        """Return the operation of `verb` at `path` for bodies of `gvk` and answers of `result`."""
        operation: Object = {
            "tags": [f"{kind.group.partition('.')[0] or 'core'}_{kind.version}"],
            "operationId": _operation_id(kind, path, verb),
            "x-kubernetes-action": verb.action,
        }
        operation |= self.exchange(verb, self._body(verb, gvk), self._answer(verb, result))
        if gvk:
            operation["x-kubernetes-group-version-kind"] = dict(zip(("group", "version", "kind"), gvk, strict=True))
        return operation

    def exchange(self, verb: _Verb, body: Object | None, answer: Object) -> Object:
        """Return the members for parameters, request body and responses."""
        raise NotImplementedError

    def _body(self, verb: _Verb, gvk: GroupVersionKind | None) -> Object | None:
        match verb.body:
            case "":
                return None
            case "patch":
                return self.dialect.reference(PATCH)
            case "options":
                return self.dialect.reference(_DELETE_OPTIONS)
        return self._of_kind(gvk)

    def _answer(self, verb: _Verb, result: GroupVersionKind | None) -> Object:
        return self.dialect.reference(_STATUS) if verb.method == "delete" else self._of_kind(result)

    def _of_kind(self, gvk: GroupVersionKind | None) -> Object:
        if gvk is None:
            return {"type": "string"}
        type_ = self._types.get(gvk)
        return self.dialect.reference(type_.name) if type_ else {"type": "object"}


def _operation_id(kind: ServedKind, path: str, verb: _Verb) -> str:
    group = "".join(part.capitalize() for part in kind.group.removesuffix(".k8s.io").split(".")) or "Core"
    scope = "Namespaced" if "{namespace}" in path else ""
    sub = path.partition("{name}/")[2].capitalize()
    everywhere = "ForAllNamespaces" if kind.namespaced and not scope else ""
    return f"{verb.action}{group}{kind.version.capitalize()}{scope}{kind.kind}{sub}{everywhere}"


class _OperationsV2(_Operations):
    dialect = V2

    @staticmethod
    def parameter(place: str, parameter: _Parameter) -> Object:
        spelled: Object = {
            "name": parameter.name,
            "in": place,
            "description": parameter.description,
            "type": parameter.type,
            "uniqueItems": True,
        }
        return spelled | ({"required": True} if place == "path" else {})

    def exchange(self, verb: _Verb, body: Object | None, answer: Object) -> Object:
        parameters: list[Any] = [self.parameter("query", _QUERY[name]) for name in verb.query]
        if body is not None:
            parameters.insert(0, {"name": "body", "in": "body", "required": verb.body != "options", "schema": body})
        return {
            "consumes": list(_PATCHES) if verb.body == "patch" else ["*/*"],
            "produces": [_JSON],
            "parameters": parameters,
            "responses": {"200": {"description": "OK", "schema": answer}, "401": {"description": "Unauthorized"}},
        }


class _OperationsV3(_Operations):
    dialect = V3

    @staticmethod
    def parameter(place: str, parameter: _Parameter) -> Object:
        spelled: Object = {
            "name": parameter.name,
            "in": place,
            "description": parameter.description,
            "schema": {"type": parameter.type, "uniqueItems": True},
        }
        return spelled | ({"required": True} if place == "path" else {})

    def exchange(self, verb: _Verb, body: Object | None, answer: Object) -> Object:
        result: Object = {
            "parameters": [self.parameter("query", _QUERY[name]) for name in verb.query],
            "responses": {
                "200": {"description": "OK", "content": {_JSON: {"schema": answer}}},
                "401": {"description": "Unauthorized"},
            },
        }
        if body is not None:
            types = _PATCHES if verb.body == "patch" else ("*/*",)
            result["requestBody"] = {
                "required": verb.body != "options",
                "content": {media: {"schema": body} for media in types},
            }
        return result
