"""The URLs of a kind, and the operations at each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wherry.objects.definitions import GroupVersionKind
from wherry.objects.openapi import parameters
from wherry.objects.openapi.parameters import Parameter
from wherry.objects.openapi.served import ServedKind, Subresource


class Verb(NamedTuple):
    """How a verb of discovery looks in HTTP; `body` is what it sends: the object itself, a patch, or delete options."""

    method: str
    action: str
    query: Sequence[Parameter] = ()
    body: str = ""
    codes: Sequence[int] = (200,)


class Route(NamedTuple):
    """One URL: `gvk` is the kind of what is read and written there, None for a text or a stream."""

    path: str
    verbs: Sequence[Verb]
    gvk: GroupVersionKind | None


_ITEM = {
    "get": Verb("get", "get"),
    "update": Verb("put", "put", parameters.WRITE, "object", (200, 201)),
    "patch": Verb("patch", "patch", parameters.PATCH, "patch", (200, 201)),
    "delete": Verb("delete", "delete", parameters.DELETE, "options"),
}
_COLLECTION = {
    "list": Verb("get", "list", parameters.LIST),
    "create": Verb("post", "post", parameters.WRITE, "object", (201,)),
    "deletecollection": Verb("delete", "deletecollection", parameters.DELETE_COLLECTION, "options"),
}
_LIST_ALONE = Verb("get", "list", parameters.SELECT)
"""Of what can be listed and not watched, and has no versions: it is worked out."""
_PART = {
    **_ITEM,
    "update": _ITEM["update"]._replace(codes=(200,)),
    "patch": _ITEM["patch"]._replace(codes=(200,)),
    "create": _COLLECTION["create"],
}
_METHODS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_PROXY_METHODS = ("delete", "get", "head", "options", "patch", "post", "put")


def routes(kind: ServedKind) -> Iterator[Route]:
    """Yield each URL a kind answers at."""
    everywhere = f"{kind.prefix}/{kind.plural}"
    verbs = _COLLECTION if "watch" in kind.verbs else {**_COLLECTION, "list": _LIST_ALONE}
    collection = f"{kind.prefix}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else everywhere
    item = f"{collection}/{{name}}"
    if kind.namespaced and "list" in kind.verbs:
        yield Route(everywhere, [verbs["list"]], kind.gvk)
    yield Route(collection, [verb for name, verb in verbs.items() if name in kind.verbs], kind.gvk)
    yield Route(item, [verb for name, verb in _ITEM.items() if name in kind.verbs], kind.gvk)
    for part in kind.subresources:
        if part.gvk is not None:
            yield Route(f"{item}/{part.name}", [v for name, v in _PART.items() if name in part.verbs], part.gvk)
        else:
            yield from _connected(item, part)


def _connected(item: str, part: Subresource) -> Iterator[Route]:
    """Yield the URLs of what is no object: a log is read, all else is a connection to somebody else."""
    query = parameters.of_options(part.options) if part.options else ()
    if part.name == "log":
        yield Route(f"{item}/log", [Verb("get", "get", query)], None)
        return
    methods = _PROXY_METHODS if part.name == "proxy" else [_METHODS[verb] for verb in part.verbs]
    if part.name == "proxy":  # what is asked of the backend is the path's rest and the query
        yield Route(f"{item}/proxy/{{path}}", [Verb(method, "connect") for method in methods], None)
        query = ()
    yield Route(f"{item}/{part.name}", [Verb(method, "connect", query) for method in methods], None)
