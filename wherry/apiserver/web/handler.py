"""One request, from credentials to answer."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authenticator import Authenticator
from wherry.apiserver.access.impersonation import impersonated
from wherry.apiserver.api.api import Api, Target
from wherry.apiserver.auditlog.log import AUDIT_ID, Audited, AuditLog, Head, request_id, sources
from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.flowcontrol import weight
from wherry.apiserver.flowcontrol.control import FlowControl
from wherry.apiserver.flowcontrol.gate import Seat
from wherry.apiserver.flowcontrol.schemas import Asking, Flow
from wherry.apiserver.user import ANONYMOUS, NOBODY, User
from wherry.apiserver.web import paths, query, requestinfo, responses
from wherry.apiserver.web.aggregated import Aggregated, lasts
from wherry.apiserver.web.audited import AUDITED
from wherry.apiserver.web.connect.connect import Connect
from wherry.apiserver.web.connection import belongs
from wherry.apiserver.web.discovery import Discovery
from wherry.apiserver.web.openapi import OpenApi
from wherry.apiserver.web.pages import Page
from wherry.apiserver.web.resources import Resources
from wherry.objects.errors import ApiError, InternalError, Unauthorized
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

_requests = metrics.counter("apiserver_request_total", "Answered requests.", ("verb", "group", "resource", "code"))
_duration = metrics.histogram(
    "apiserver_request_duration_seconds",
    "Time to the answer, of requests that are over with it.",
    ("verb",),
)
_long = metrics.gauge("apiserver_longrunning_requests", "Watches and connections under way.", ("group", "resource"))

FLOW_SCHEMA_UID, PRIORITY_LEVEL_UID = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"
CLIENT_GONE = 499  # for the metrics only, in nginx's number: nobody is there to read it

_VERBS = {"GET": "GET", "HEAD": "GET", "POST": "POST", "PUT": "PUT", "PATCH": "PATCH", "DELETE": "DELETE"}


@dataclass(slots=True)
class _Asked:
    """What becomes known of a request while it is answered."""

    target: Target | None = None
    flow: Flow | None = None
    seat: Seat | None = None
    audited: Audited | None = None
    panicked: bool = False
    warnings: list[str] = field(default_factory=list)

    def leave_seat(self) -> None:
        if self.seat is not None:
            self.seat.leave()

    def goes_on(self) -> None:
        """Take note that the answer has begun, and that only what happens later is waited for."""
        self.leave_seat()
        if self.audited is not None:
            self.audited.started(HTTPStatus.OK)


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
        aggregated: Aggregated,
        pages: dict[str, Page],
        flows: FlowControl,
        audit: AuditLog | None = None,
    ):
        self._api = api
        self._authenticator = authenticator
        self._discovery = discovery
        self._openapi = openapi
        self._connect = connect
        self._aggregated = aggregated
        self._pages = pages
        self._flows = flows
        self._audit = audit
        self._resources = Resources(api)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request; never raises an `ApiError`."""
        started = time.monotonic()
        asked = _Asked()
        try:
            response = await self._settled(request, asked)
            if asked.target is not None:
                responses.pretty(request, response)
            self._tell_flow(asked, response)
            _conclude(asked, response)
            response = await responses.delivered(request, response)
        except ConnectionResetError:
            response = web.Response(status=CLIENT_GONE)
            _conclude(asked, response)
        finally:
            asked.leave_seat()
        self._count(request, asked.target, response.status, time.monotonic() - started)
        return response

    async def _settled(self, request: web.BaseRequest, asked: _Asked) -> web.StreamResponse:
        """Return the answer, or what went wrong as one."""
        try:
            return await self._answer(request, asked)
        except ApiError as error:
            return responses.failure(error, asked.warnings)
        except ConnectionResetError:
            raise
        except Exception:
            # A fault of ours must reach the client in the API's own words, and end nobody else's request.
            if request.writer.output_size:
                raise
            asked.panicked = True
            log.exception("failed: %s %s", request.method, request.path_qs)
            return responses.failure(InternalError.of("the server failed; its log says why"), asked.warnings)

    async def _answer(self, request: web.BaseRequest, asked: _Asked) -> web.StreamResponse:
        transport = request.transport
        certificate = transport.get_extra_info("peercert") if transport else None
        path = request.raw_path.partition("?")[0]
        attributes = requestinfo.attributes(request.method, path, request.query)
        user = self._user(request, attributes, certificate, asked)
        belongs(request, user.name if user.name != ANONYMOUS.name else request.remote)
        user = impersonated(user, request.headers.items(), self._api.authorizer)
        if asked.audited is not None:
            asked.audited.counts_as(user)
        owner = asked.flow = self._flows.flow(Asking(user, attributes, request.remote or ""))
        if (api_service := self._aggregated.of(path)) is not None:
            if not lasts(request):
                asked.seat = await self._flows.enter(owner, weight.of_body(request.content_length))
            return await self._aggregated.answer(request, user, api_service)
        if request.path.startswith(("/api/", "/apis/")):
            asked.target = paths.target(path, self._api.find)
        target = asked.target
        if target is not None and self._connect.answers(target):
            with _lasting(target):
                asked.goes_on()
                return await self._connect.answer(request, user, target)
        asked.seat = await self._flows.enter(owner, self._width(request, target))
        if target is None:
            return await self._page(request, user)
        if not _watching(request, target):
            return await self._resources.answer(request, user, target, asked.warnings)
        with _lasting(target):
            return await self._resources.answer(request, user, target, asked.warnings, asked.goes_on)

    def _user(self, request: web.BaseRequest, attributes: Attributes, certificate: Any, asked: _Asked) -> User:
        """Return who asks, and have the audit log told; raises `Unauthorized`."""
        try:
            user = self._authenticator.user(request.headers.get("Authorization"), certificate)
        except Unauthorized:
            asked.audited = self._received(request, attributes, NOBODY)
            raise
        asked.audited = self._received(request, attributes, user)
        return user

    def _received(self, request: web.BaseRequest, attributes: Attributes, user: User) -> Audited | None:
        if self._audit is None:
            return None
        head = Head(
            uri=request.raw_path,
            attributes=attributes,
            user=user,
            sources=sources(request.headers.getall("X-Forwarded-For", ()), request.remote or ""),
            agent=request.headers.get("User-Agent", ""),
            id=request_id(request.headers.get(AUDIT_ID, "")),
        )
        audited = self._audit.received(head)
        if audited is not None:
            request[AUDITED] = audited
        return audited

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

    def _tell_flow(self, asked: _Asked, response: web.StreamResponse) -> None:
        """Tell the client as what its request was placed, by the uids of what placed it."""
        if asked.flow is not None and not response.prepared:
            response.headers[FLOW_SCHEMA_UID] = asked.flow.uid
            response.headers[PRIORITY_LEVEL_UID] = self._flows.level_uid(asked.flow)

    def _width(self, request: web.BaseRequest, target: Target | None) -> int:
        """Return how many seats a request takes: by the objects it may read, or the bytes it brings."""
        if target is None or target.name or request.method not in ("GET", "HEAD"):
            return weight.of_body(request.content_length)
        return weight.of_list(self._api.count(target.resource), request.query.get("limit", ""))

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


def _conclude(asked: _Asked, response: web.StreamResponse) -> None:
    """Have the audit log told how a request ended, before its client is, and the client by what name to find it."""
    if asked.audited is None:
        return
    body = response.body if isinstance(response, web.Response) else None
    asked.audited.complete(response.status, body if isinstance(body, bytes) else None, panicked=asked.panicked)
    if not response.prepared:
        response.headers[AUDIT_ID] = asked.audited.id
    asked.audited = None


def _lasting(target: Target) -> AbstractContextManager[object]:
    """Count a watch or a connection while it lasts."""
    return _long.labels(target.resource.group, target.resource.plural).track_inprogress()


def _watching(request: web.BaseRequest, target: Target) -> bool:
    return request.method == "GET" and not target.name and bool(query.flag(request.query, "watch"))
