"""What a URL path names.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris and apiserver
pkg/endpoints/request/requestinfo.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from wherry.apiserver import unserved
from wherry.apiserver.api.api import Target
from wherry.apiserver.catalog import unknown_path
from wherry.objects.resource import Resource

_NAMESPACE_PARTS = ("status", "finalize")
_PROXIED = re.compile(r"(/api/v1/(?:namespaces/[^/]+/)?[^/]+/[^/]+/proxy)(/.*)?", re.DOTALL)


def target(path: str, find: Callable[[str, str, str], Resource | None]) -> Target | None:
    """Return what a path (escaped) below `/api` or `/apis` names, None for a discovery path; raises `NotFound`.

    `find` tells the resource of a group, version and plural.
    """
    proxied = _PROXIED.fullmatch(path)
    path, beyond = (proxied[1], proxied[2] or "") if proxied else (path, "")
    parts = [unquote(part) for part in path.strip("/").split("/")]
    parts = ["apis", "", *parts[1:]] if parts[0] == "api" else parts
    if len(parts) < 4:
        return None
    _, group, version, *rest = parts
    namespace = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:
        namespace, rest = rest[1], rest[2:]
    resource = find(group, version, rest[0])
    if resource is None:
        raise unserved.error(group, version, rest[0])
    if len(rest) > 3 or not all(rest) or namespace == "":
        raise unknown_path()
    if namespace is not None and not resource.namespaced:
        raise unknown_path()
    name, subresource = (*rest[1:], "", "")[:2]
    if resource.namespaced and name and namespace is None:
        raise unknown_path()
    return Target(resource, namespace, name, subresource, beyond)
