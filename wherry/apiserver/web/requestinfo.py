"""What a request asks for by its path, whether somebody here knows what it names or not.

Source: apiserver pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.api.api import only_name
from wherry.apiserver.web import query

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
_PARTS_OF_NAMESPACES = ("status", "finalize")


def parts(path: str) -> list[str]:
    """Return the parts of a path (escaped)."""
    return [unquote(part) for part in path.strip("/").split("/")]


def attributes(method: str, path: str, query_: Mapping[str, str]) -> Attributes:
    """Return what a request for a resource, known or not, asks for, by its path (escaped), which may be a mere URL."""
    found = parts(path)
    if found[0] == "api":
        found = ["apis", "", *found[1:]]
    if len(found) < 4 or found[0] != "apis":
        return Attributes(verb="get" if method in ("GET", "HEAD") else method.lower(), path=unquote(path))
    group, version, rest = found[1], found[2], found[3:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _PARTS_OF_NAMESPACES:
            rest = rest[2:]
    plural, name, subresource = (*rest, "", "")[:3]
    verb = _verb(method, name, query_)
    if verb in ("list", "watch") and not name:
        name = only_name(query_.get("fieldSelector", ""))
    return Attributes(
        verb=verb,
        group=group,
        version=version,
        plural=plural,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )


def _verb(method: str, name: str, query_: Mapping[str, str]) -> str:
    if method in ("GET", "HEAD"):
        if query.flag(query_, "watch") and not name:
            return "watch"
        return "get" if name else "list"
    if method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(method, "")
