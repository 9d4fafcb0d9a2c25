"""Requests for what a pod's node answers (log, exec, attach, portforward), and for the proxy of a pod, service or node.

Source: kubernetes pkg/registry/core/{pod,service,node}/rest (LogREST, ExecREST, ProxyREST).
"""

from __future__ import annotations

import ssl

from aiohttp import web

from wherry.apiserver.api.api import Api, Target
from wherry.apiserver.user import User
from wherry.apiserver.web.connect import headers, options
from wherry.apiserver.web.connect.forward import Forwarder
from wherry.apiserver.web.connect.links import Links
from wherry.apiserver.web.connect.location import Location, unverified_tls
from wherry.apiserver.web.connect.podnode import PodNodes
from wherry.apiserver.web.connect.proxied import Proxied
from wherry.apiserver.web.connection import streams
from wherry.apiserver.web.inventory import CONNECTED, Part

_PROXY = "proxy"
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PROXY_VERBS = {**_VERBS, "HEAD": "get", "OPTIONS": ""}
"""Upstream has no verb for OPTIONS, so only a rule for all verbs allows it."""
_SESSIONS = ("attach", "exec", "portforward")
"""What also takes the right to create, however it is asked for: a WebSocket begins as a GET, and whoever may read must
not run commands (since 1.35, KEP-4006)."""


class Connect:
    """Authorises, finds who answers, and passes on. `to_nodes` is the TLS context for nodes' agents."""

    def __init__(self, api: Api, to_nodes: ssl.SSLContext):
        self._api = api
        self._authorizer = api.authorizer
        self._pod_nodes = PodNodes(api.registry, to_nodes)
        self._proxied = Proxied(api.registry, to_nodes, unverified_tls())
        self._forwarder = Forwarder()

    @staticmethod
    def answers(target: Target) -> bool:
        """Return whether `target` is one of these."""
        return any(part.name == target.subresource for part in CONNECTED.get(target.resource, ()))

    async def close(self) -> None:
        """Close connections under way."""
        await self._forwarder.close()

    async def answer(self, request: web.BaseRequest, user: User, target: Target) -> web.StreamResponse:
        """Answer a request; raises the errors of `wherry.objects.errors`."""
        part = next(part for part in CONNECTED[target.resource] if part.name == target.subresource)
        verb = _verb(request.method, part)
        if verb is None:
            raise target.not_allowed(request.method.lower())
        self._authorizer.require(user, target.attributes(verb))
        if target.subresource in _SESSIONS:
            self._authorizer.require(user, target.attributes("create"))
        query = list(request.query.items())
        if target.subresource != "log":  # that is read, not connected to
            asked = options.of(part.options or part.kind, query, target.path)
            await self._api.connecting(user, target, part.options or part.kind, asked)
        streams(request)
        if target.subresource == _PROXY:
            return await self._proxy(request, target)
        location = self._pod_nodes.location(target.namespace or "", target.name, target.subresource, query)
        if target.subresource == "log":
            return await self._forwarder.log(request, location)
        return await tunnelled(request, location, headers.upgrade_for_node(request.headers.items()))

    async def _proxy(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        raw, _, query = request.raw_path.partition("?")
        prefix = raw.removesuffix(target.path)
        asked = f"?{query}" if query else ""
        path = (target.path or "/") + asked
        location = self._proxied.location(target.resource, target.namespace or "", target.name, path)
        if headers.asks_for_upgrade(request.headers):
            known, client = request.headers.items(), request.remote or ""
            return await tunnelled(request, location, headers.upgrade_for_backend(known, client, prefix, target.path))
        if not target.path and request.method in ("GET", "HEAD"):
            # Relative links of the page that comes would lead beside the backend.
            return web.Response(status=301, headers={"Location": f"{prefix}/{asked}"})
        sent = headers.for_backend(request.headers.items(), request.remote or "", prefix, target.path or "/")
        return await self._forwarder.proxy(request, location, sent, _links(request, location, prefix))


def _verb(method: str, part: Part) -> str | None:
    """Return what a method asks for, None where the subresource does not have it."""
    if part.name == _PROXY:
        return _PROXY_VERBS.get(method)
    verb = _VERBS.get(method)
    return verb if verb in part.verbs else None


async def tunnelled(request: web.BaseRequest, location: Location, sent: headers.Pairs) -> web.StreamResponse:
    """Tunnel an upgrade, see `tunnel.relay`."""
    from wherry.apiserver.web.connect import tunnel  # with h11, whose 8 ms only an upgrade needs

    return await tunnel.relay(request, location, sent)


def _links(request: web.BaseRequest, location: Location, prefix: str) -> Links:
    return Links(prefix, frozenset({location.authority, request.headers.get("Host", location.authority)}))
