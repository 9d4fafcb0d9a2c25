"""A rule's filters, and what Lua does for each (`HTTPRouteFilter`, gateway-api apis/v1/httproute_types.go).

Actions, as `lua/gateway.lua` reads them:

    request, response   {set: [[name, value]], add: [[name, value]], remove: [name]}
    redirect            {scheme, host, port, status, full | prefix}
    rewrite             {host, full | prefix}
    mirrors             [{backend, part, of}]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Actions = dict[str, Any]

_MODIFIERS: Final = {"RequestHeaderModifier": "request", "ResponseHeaderModifier": "response"}
WHOLE: Final = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "RequestMirror")
"""What a rule may have."""
OF_BACKEND: Final = ("RequestHeaderModifier", "ResponseHeaderModifier")
"""What a backend of a rule may have."""


def unsupported(filters: Iterable[Mapping[str, Any]], known: Iterable[str]) -> list[str]:
    """Return the types of filters that are not supported: a filter is never passed over."""
    return [kind for one in filters if (kind := one.get("type", "")) not in known]


def actions(filters: Iterable[Mapping[str, Any]]) -> Actions:
    """Return what Lua does, but for mirrors, which need a backend."""
    found: Actions = {}
    for one in filters:
        if key := _MODIFIERS.get(one["type"]):
            found[key] = _modifier(one.get("requestHeaderModifier" if key == "request" else "responseHeaderModifier"))
        elif one["type"] == "RequestRedirect":
            found["redirect"] = _redirect(one.get("requestRedirect") or {})
        elif one["type"] == "URLRewrite":
            found["rewrite"] = _rewrite(one.get("urlRewrite") or {})
    return found


def _modifier(said: Mapping[str, Any] | None) -> Actions:
    given = said or {}
    pairs = {key: [[h["name"], h["value"]] for h in given.get(key) or ()] for key in ("set", "add")}
    return {key: value for key, value in {**pairs, "remove": list(given.get("remove") or ())}.items() if value}


def _redirect(said: Mapping[str, Any]) -> Actions:
    plain = {"scheme": "scheme", "hostname": "host", "port": "port"}
    found = {name: said[key] for key, name in plain.items() if said.get(key)}
    return {"status": said.get("statusCode", 302), **found, **_path(said.get("path"))}


def _rewrite(said: Mapping[str, Any]) -> Actions:
    host = {"host": said["hostname"]} if said.get("hostname") else {}
    return {**host, **_path(said.get("path"))}


def _path(said: Mapping[str, Any] | None) -> Actions:
    if not said:
        return {}
    if said.get("type") == "ReplacePrefixMatch":
        return {"prefix": said.get("replacePrefixMatch", "").rstrip("/")}
    return {"full": said.get("replaceFullPath") or "/"}
