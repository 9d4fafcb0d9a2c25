"""Requests for groups and versions that another API server answers: authorised here, then passed on in the user's name.

Source: kube-aggregator pkg/apiserver/handler_proxy.go.
"""

from __future__ import annotations

from aiohttp import web

from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.calls.frontproxy import speaking_for
from wherry.apiserver.calls.remotes import Remotes
from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.user import User
from wherry.apiserver.web import query, requestinfo
from wherry.apiserver.web.connect import headers
from wherry.apiserver.web.connect.connect import tunnelled
from wherry.apiserver.web.connect.forward import Forwarder
from wherry.apiserver.web.connect.location import Location
from wherry.apiserver.web.connection import streams
from wherry.objects import Object


class Aggregated:
    """Passes requests on to the servers behind this one."""

    def __init__(self, remotes: Remotes, authorizer: Authorizer):
        self._remotes = remotes
        self._authorizer = authorizer
        self._forwarder = Forwarder()

    async def close(self) -> None:
        """Close connections under way."""
        await self._forwarder.close()

    def of(self, path: str) -> Object | None:
        """Return the APIService whose server answers a path (escaped), or None."""
        if not path.startswith(("/apis/", "/openapi/v3/apis/")):
            return None
        parts = requestinfo.parts(path.removeprefix("/openapi/v3"))
        return self._remotes.of(*parts[1:3]) if len(parts) > 2 else None

    async def answer(self, request: web.BaseRequest, user: User, api_service: Object) -> web.StreamResponse:
        """Answer a request; raises `Forbidden`, `ServiceUnavailable`."""
        path = request.raw_path.partition("?")[0]
        if {".", ".."} & set(requestinfo.parts(path)):
            raise unknown_path()  # the other server might take it for another than it seems
        self._authorizer.require(user, requestinfo.attributes(request.method, path, request.query))
        self._remotes.available(api_service)
        place = self._remotes.place(api_service)
        location = Location(place.host, place.port, request.raw_path, place.tls, place.server)
        known, client = request.headers.items(), request.remote or ""
        if headers.asks_for_upgrade(request.headers):
            streams(request)
            sent = headers.upgrade_for_backend(known, client, "", request.path)
            return await tunnelled(request, location, speaking_for(user, sent))
        if lasts(request):
            streams(request)
        sent = headers.for_backend(known, client, "", request.path)
        return await self._forwarder.proxy(request, location, speaking_for(user, sent))


def lasts(request: web.BaseRequest) -> bool:
    """Return whether a request goes on for as long as its client likes: a watch, or another protocol."""
    return bool(query.flag(request.query, "watch")) or headers.asks_for_upgrade(request.headers)
