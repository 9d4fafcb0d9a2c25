"""Requests that a pod's node answers: log, exec, attach, portforward."""

from __future__ import annotations

import ssl

from aiohttp import web

from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.api.api import Target
from wherry.apiserver.user import User
from wherry.apiserver.web import logs, tunnel
from wherry.apiserver.web.inventory import CONNECTED
from wherry.apiserver.web.nodes import Nodes
from wherry.objects.errors import MethodNotAllowed
from wherry.objects.resource import PODS

_VERBS = {"GET": "get", "POST": "create"}
_ALLOWED = {part.name: part.verbs for part in CONNECTED}


class Streams:
    """Authorises, finds the node, and passes on."""

    def __init__(self, authorizer: Authorizer, nodes: Nodes, context: ssl.SSLContext):
        self._authorizer = authorizer
        self._nodes = nodes
        self._context = context

    @staticmethod
    def answers(target: Target) -> bool:
        """Return whether `target` is one of these."""
        return target.resource == PODS and target.subresource in _ALLOWED

    async def answer(self, request: web.BaseRequest, user: User, target: Target) -> web.StreamResponse:
        """Answer a request; raises `Forbidden`, `NotFound`, `BadRequest`, `InternalError`, `MethodNotAllowed`."""
        verb = _VERBS.get(request.method)
        if verb not in _ALLOWED[target.subresource]:
            raise MethodNotAllowed("the server does not allow this method on the requested resource", details={})
        self._authorizer.require(user, target.attributes(verb))
        query = list(request.query.items())
        url = self._nodes.url(target.namespace or "", target.name, target.subresource, query)
        if target.subresource == "log":
            return await logs.relay(request, url, self._context)
        return await tunnel.relay(request, url, self._context)
