"""The documents: v2 of everything, v3 of one group and version, and the index of those."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from wherry.objects import Object
from wherry.objects.definitions import GroupVersionKind, Type, list_of, load
from wherry.objects.openapi import custom, parameters
from wherry.objects.openapi.operations import Operations, OperationsV2, OperationsV3
from wherry.objects.openapi.paths import Route, routes
from wherry.objects.openapi.schemas import PATCH, V2, V3, Dialect, reachable, schemas
from wherry.objects.openapi.served import ServedKind
from wherry.objects.structural.shape import Shape

_ALWAYS = ("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.Status")


def swagger(kinds: Iterable[ServedKind], version: str = "v1") -> Object:
    """Return the OpenAPI v2 document of all `kinds`; `version` is the server's own (`v1.37.0`)."""
    served = list(kinds)
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": version},
        "paths": _paths(served, OperationsV2(_names(served))),
        "definitions": _schemas(served, {(kind.group, kind.version) for kind in served}, V2),
    }


def openapi_v3(
    kinds: Sequence[ServedKind], versions: Collection[tuple[str, str]], server_version: str = "v1"
) -> Object:
    """Return the OpenAPI v3 document of one group and version, all of whose kinds are given."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": server_version},
        "paths": _paths(kinds, OperationsV3(_names(kinds))),
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
        for gvk in (kind.gvk, kind.list_gvk, *(part.gvk for part in kind.subresources if part.gvk)):
            types[gvk] = load().of_kind(gvk)
        if isinstance(kind.type, Type):
            types |= {kind.gvk: kind.type, kind.list_gvk: kind.type.once(list_of)}
    return {gvk: type_ for gvk, type_ in types.items() if type_ is not None}


def _names(served: Iterable[ServedKind]) -> dict[GroupVersionKind, str]:
    """Return the name of the type of every kind that the paths of `served` speak of."""
    served = list(served)
    names = {gvk: type_.name for gvk, type_ in _types(served).items()}
    for kind, shape in _custom(served):
        names |= {kind.gvk: shape.name, kind.list_gvk: _list_name(kind, shape)}
    return names


def _custom(served: Iterable[ServedKind]) -> list[tuple[ServedKind, Shape]]:
    return [(kind, kind.type) for kind in served if isinstance(kind.type, Shape)]


def _list_name(kind: ServedKind, shape: Shape) -> str:
    return f"{shape.name.rpartition('.')[0]}.{kind.list_gvk[2]}"


def _schemas(served: Iterable[ServedKind], versions: Collection[tuple[str, str]], dialect: Dialect) -> Object:
    """Return the schemas that the paths of `served` refer to, marked with the kinds of `versions` that they are."""
    served = list(served)
    own = _types(served)
    kinds: dict[str, list[GroupVersionKind]] = {}
    for gvk, name in load().kinds():
        if gvk[:2] in versions:
            kinds.setdefault(name, []).append(gvk)
    for gvk, type_ in own.items():
        if load().of_kind(gvk) is None:
            kinds.setdefault(type_.name, []).append(gvk)
    shapes = _custom(served)
    always = [*_ALWAYS, *((custom.OBJECT_META, custom.LIST_META) if shapes else ())]
    types = reachable([*(load().types[name] for name in always), *own.values()])
    types[PATCH] = None
    found = schemas(types, kinds, dialect)
    for kind, shape in shapes:
        found[shape.name] = custom.schema(shape, kind.gvk, dialect)
        found[_list_name(kind, shape)] = custom.list_schema(shape.name, kind.list_gvk, dialect)
    return dict(sorted(found.items()))


def _paths(served: Iterable[ServedKind], operations: Operations) -> Object:
    paths = {route.path: _path(kind, route, operations) for kind in served for route in routes(kind) if route.verbs}
    return dict(sorted(paths.items()))


def _path(kind: ServedKind, route: Route, operations: Operations) -> Object:
    names = [name for name in ("name", "namespace", "path") if f"{{{name}}}" in route.path]
    everywhere = [operations.parameter("path", parameters.path(name)) for name in names]
    if route.gvk is not None:
        everywhere.append(operations.parameter("query", parameters.PRETTY))
    return {**{v.method: operations.operation(kind, route, v) for v in route.verbs}, "parameters": everywhere}
