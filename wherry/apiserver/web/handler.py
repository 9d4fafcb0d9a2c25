"""One request, from credentials to answer."""

from __future__ import annotations

import logging
import time

from aiohttp import web

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authenticator import Authenticator
from wherry.apiserver.access.impersonation import impersonated
from wherry.apiserver.api.api import Api, Target
from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.user import User
from wherry.apiserver.web import paths, query, responses
from wherry.apiserver.web.connect.connect import Connect
from wherry.apiserver.web.discovery import Discovery
from wherry.apiserver.web.openapi import OpenApi
from wherry.apiserver.web.pages import Page
from wherry.apiserver.web.resources import Resources
from wherry.objects.errors import ApiError, InternalError
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

_requests = metrics.counter("apiserver_request_total", "Answered requests.", ("verb", "group", "resource", "code"))
_duration = metrics.histogram(
    "apiserver_request_duration_seconds",
    "Time to the answer, of requests that are over with it.",
    ("verb",),
)
_long = metrics.gauge("apiserver_longrunning_requests", "Watches and connections under way.", ("group", "resource"))

CLIENT_GONE = 499  # for the metrics only, in nginx's number: nobody is there to read it

_VERBS = {"GET": "GET", "HEAD": "GET", "POST": "POST", "PUT": "PUT", "PATCH": "PATCH", "DELETE": "DELETE"}


class Handler:
    """Authenticates, finds out what is asked for, and turns errors into Status answers."""

    def __init__(
        self,
        api: Api,
        authenticator: Authenticator,
        *,
        discovery: Discovery,
        openapi: OpenApi,
        connect: Connect,
        pages: dict[str, Page],
    ):
        self._api = api
        self._authenticator = authenticator
        self._discovery = discovery
        self._openapi = openapi
        self._connect = connect
        self._pages = pages
        self._resources = Resources(api)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; never raises an `ApiError`."""
        started = time.monotonic()
        warnings: list[str] = []
        target: Target | None = None
        try:
            transport = request.transport
            certificate = transport.get_extra_info("peercert") if transport else None
            user = self._authenticator.user(request.headers.get("Authorization"), certificate)
            user = impersonated(user, request.headers.items(), self._api.authorizer)
            if request.path.startswith(("/api/", "/apis/")):
                target = paths.target(request.raw_path.partition("?")[0], self._api.find)
            response = await self._answer(request, user, target, warnings)
        except ApiError as error:
            response = responses.failure(error, warnings)
        except ConnectionResetError:
            response = web.Response(status=CLIENT_GONE)
        except Exception:
            # A fault of ours must reach the client in the API's own words, and end nobody else's request.
            if request.writer.output_size:
                raise
            log.exception("%s %s failed", request.method, request.path_qs)
            response = responses.failure(InternalError.of("the server failed; its log says why"), warnings)
        if target is not None:
            responses.pretty(request, response)
        self._count(request, target, response.status, time.monotonic() - started)
        return response

    async def _answer(
        self, request: web.BaseRequest, user: User, target: Target | None, warnings: list[str]
    ) -> web.StreamResponse:
        if target is None:
            return await self._page(request, user)
        connected = self._connect.answers(target)
        if not connected and not _watching(request, target):
            return await self._resources.answer(request, user, target, warnings)
        with _long.labels(target.resource.group, target.resource.plural).track_inprogress():
            if connected:
                return await self._connect.answer(request, user, target)
            return await self._resources.answer(request, user, target, warnings)

    async def _page(self, request: web.BaseRequest, user: User) -> web.StreamResponse:
        path = request.path.rstrip("/") or "/"
        verb = "get" if request.method in ("GET", "HEAD") else request.method.lower()
        self._api.authorizer.require(user, Attributes(verb=verb, path=request.path))
        if page := self._pages.get(path):
            return await page(request)
        match path.split("/")[1]:
            case "api" | "apis":
                return self._discovery.answer(request)
            case "openapi":
                return await self._openapi.answer(request)
        raise unknown_path()

    def _count(self, request: web.BaseRequest, target: Target | None, status: int, seconds: float) -> None:
        group, plural, verb = "", "", _VERBS.get(request.method, "other")
        if target is not None:
            group, plural = target.resource.group, target.resource.plural
            if self._connect.answers(target):
                verb = "CONNECT"
            elif request.method == "GET" and not target.name:
                verb = "WATCH" if _watching(request, target) else "LIST"
        _requests.labels(verb, group, plural, str(status)).inc()
        if verb not in ("CONNECT", "WATCH"):
            _duration.labels(verb).observe(seconds)
        log.debug("%s %s %d seconds=%.4f", request.method, request.path_qs, status, seconds)


def _watching(request: web.BaseRequest, target: Target) -> bool:
    return request.method == "GET" and not target.name and bool(query.flag(request.query, "watch"))
