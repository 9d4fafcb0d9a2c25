"""The node agent's HTTPS server on port 10250: logs, exec, attach, port-forward, pods, health and metrics.

Only clients with a certificate of the cluster's CA are let in, and of those only the API server and administrators
(`is_privileged`): whoever gets in can run anything in any container. Failures are answered as a `metav1.Status`, which
the API server can pass on as it is.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from wherry.component.health import Health
from wherry.node.runtime.interface import ContainerHandle, ContainerRuntime
from wherry.node.streaming.attach import attach
from wherry.node.streaming.channels import ChannelSocket
from wherry.node.streaming.crilog import LogOptions
from wherry.node.streaming.duplex import WebSocketBytes
from wherry.node.streaming.execution import execute
from wherry.node.streaming.logs import send_log
from wherry.node.streaming.negotiation import is_websocket, open_session, upgrade_to_spdy
from wherry.node.streaming.portforward import (
    CHANNEL_PROTOCOLS,
    SPDY_PROTOCOLS,
    TUNNEL_PROTOCOL,
    ChannelForward,
    ForwardTarget,
    SpdyForward,
    parse_ports,
)
from wherry.node.streaming.session import Streams
from wherry.objects.errors import ApiError, BadRequest, Forbidden, InternalError

log = logging.getLogger(__name__)

PORT = 10250
LONGEST_MESSAGE = 1 << 24
SHUTDOWN_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Subject = dict[str, list[str]]
"""A certificate's subject: field (`commonName`, `organizationName`) to values."""


def is_privileged(subject: Subject) -> bool:
    """Tell whether a client may use the node's API: the API server's own certificate, and administrators'."""
    return "system:masters" in subject.get("organizationName", [])


def server_tls(certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Return the context for a server that demands a certificate of `client_ca`; raises `OSError`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(client_ca))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificate, key)
    return context


class StreamingServer:
    """Serves `runtime`'s containers, and `pages`. Without `tls` every client is let in: for tests on the loopback only.

    `start` raises `OSError` when the address is taken; `port` is then the real one. `stop` ends all sessions.
    """

    def __init__(
        self,
        runtime: ContainerRuntime,
        host: str = "0.0.0.0",
        port: int = PORT,
        *,
        tls: ssl.SSLContext | None = None,
        health: Health | None = None,
        pages: Sequence[web.RouteDef] = (),
        allowed: Callable[[Subject], bool] = is_privileged,
    ):
        self.host = host
        self.port = port
        self._runtime = runtime
        self._tls = tls
        self._allowed = allowed
        self._health = health or Health()
        self._pages = pages
        self._runner: web.AppRunner | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        # A handler is cancelled when its client leaves: that is what ends a followed log.
        self._runner = web.AppRunner(
            self.application(),
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port, ssl_context=self._tls).start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and end what is under way, commands included."""
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    def application(self) -> web.Application:
        """Return the routes as an application."""
        app = web.Application(middlewares=[self._guard, _as_status])
        app.add_routes([*self._health.routes(), *self._pages])
        app.router.add_get("/pods", self._pods)
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        for method in (hdrs.METH_GET, hdrs.METH_POST):
            app.router.add_route(method, "/exec/{namespace}/{pod}/{container}", self._exec)
            app.router.add_route(method, "/attach/{namespace}/{pod}/{container}", self._attach)
            app.router.add_route(method, "/portForward/{namespace}/{pod}", self._port_forward)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._tls is not None and not self._allowed(_subject(request)):
            return _status(Forbidden(f"certificate of {_subject(request)} may not use the node's API"))
        return await handler(request)

    def _find(self, request: web.Request) -> ContainerHandle:
        path = request.match_info
        return self._runtime.find(path["namespace"], path["pod"], path["container"])

    def _find_running(self, request: web.Request) -> ContainerHandle:
        handle = self._find(request)
        if not handle.running:
            raise BadRequest(f'container "{handle.container}" in pod "{handle.pod}" is not running')
        return handle

    async def _pods(self, _: web.Request) -> web.Response:
        body = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._runtime.pods()}
        return web.json_response(body)

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        options = LogOptions.of(request.query, request.match_info["pod"], time.time())
        handle = self._find(request)
        path = handle.previous_log_path if options.previous else handle.log_path
        if path is None:
            raise BadRequest(f'previous terminated container "{handle.container}" in pod "{handle.pod}" not found')

        def running() -> bool:
            with suppress(ApiError):
                now = self._runtime.find(handle.namespace, handle.pod, handle.container)
                return not options.previous and now.id == handle.id and now.running
            return False

        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        try:
            await send_log(path, options, running, response.write)
        except ConnectionError:
            log.debug("log client left: pod=%s/%s", handle.namespace, handle.pod)
        except OSError as error:
            log.warning("cannot read a log: path=%s: %s", path, error)
        return response

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        streams = Streams.of(request.query)
        words = request.query.getall("command", [])
        if not words:
            raise BadRequest("you must specify a command")
        handle = self._find_running(request)

        async def serve() -> None:
            await execute(handle, words, streams, await open_session(request, streams))

        return await self._session(serve())

    async def _attach(self, request: web.Request) -> web.StreamResponse:
        streams = Streams.of(request.query)
        handle = self._find_running(request)

        async def serve() -> None:
            await attach(handle, await open_session(request, streams))

        return await self._session(serve())

    async def _port_forward(self, request: web.Request) -> web.StreamResponse:
        namespace, pod = request.match_info["namespace"], request.match_info["pod"]
        target = ForwardTarget(namespace, pod, self._runtime.network_namespace(namespace, pod))
        return await self._session(_forward(request, target))

    async def _session(self, work: Coroutine[Any, Any, None]) -> web.Response:
        """Run a session in a task of its own: it cleans up after itself undisturbed when its handler is cancelled."""
        task = asyncio.create_task(work)
        self._sessions.add(task)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)
        return web.Response()  # nobody hears it: an upgraded connection is closed by now

    def _ended(self, session: asyncio.Task[None]) -> None:
        self._sessions.discard(session)
        if not session.cancelled() and (error := session.exception()):
            expected = isinstance(error, ApiError | ConnectionError)
            log.log(logging.DEBUG if expected else logging.ERROR, "session failed", exc_info=error)


async def _forward(request: web.Request, target: ForwardTarget) -> None:
    if not is_websocket(request):
        connection, _ = upgrade_to_spdy(request, SPDY_PROTOCOLS)
        await SpdyForward(connection, target).run()
    elif TUNNEL_PROTOCOL in request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, ""):
        socket = web.WebSocketResponse(protocols=(TUNNEL_PROTOCOL,), max_msg_size=LONGEST_MESSAGE, compress=False)
        await socket.prepare(request)
        await SpdyForward(WebSocketBytes(socket, request), target).run()
    else:
        ports = parse_ports([*request.query.getall("port", []), *request.query.getall("ports", [])])
        await ChannelForward(await ChannelSocket.accept(request, CHANNEL_PROTOCOLS), target, ports).run()


@web.middleware
async def _as_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer failures as a Status; a client that has left is nobody's failure."""
    try:
        return await handler(request)
    except ApiError as error:
        return _status(error)
    except ConnectionError as error:
        log.info("client left: path=%s: %s", request.path, error)
        return _status(InternalError("the client is gone"))


def _status(error: ApiError) -> web.Response:
    return web.json_response(error.status(), status=error.code)


def _subject(request: web.Request) -> Subject:
    certificate: dict[str, Any] = request.get_extra_info("peercert") or {}
    subject: Subject = {}
    for part in certificate.get("subject", ()):
        for field, value in part:
            subject.setdefault(field, []).append(value)
    return subject
