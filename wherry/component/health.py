"""Health endpoints: /healthz, /livez and /readyz made of named checks, and /metrics beside them.

The answers are worded like upstream's (apiserver `pkg/server/healthz/healthz.go`): `ok`, or 503 with one line
per check. Details of a failure are logged, not shown.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from aiohttp import web

from wherry.net.listening import listen
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

Check = Callable[[], str | None]
"""Returns None when all is well, else what is wrong. Must be quick, and must not raise."""


class Health:
    """The named checks of one component. Live: would a restart help? Ready: send it work."""

    def __init__(self) -> None:
        self._live: dict[str, Check] = {}
        self._ready: dict[str, Check] = {}

    def live(self, name: str, check: Check) -> None:
        """Add a check to /livez, /healthz and /readyz."""
        self._live[name] = check

    def ready(self, name: str, check: Check) -> None:
        """Add a check to /readyz."""
        self._ready[name] = check

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, for a component that has a server of its own."""
        return [
            web.get("/healthz", self._answer_live),
            web.get("/livez", self._answer_live),
            web.get("/readyz", self._answer_ready),
            web.get("/metrics", self.answer_metrics),
        ]

    async def answer_metrics(self, _: web.Request) -> web.Response:
        """Answer /metrics."""
        return web.Response(body=metrics.render(), headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _answer_live(self, request: web.Request) -> web.Response:
        return _answer(request, self._live)

    async def _answer_ready(self, request: web.Request) -> web.Response:
        return _answer(request, {**self._live, **self._ready})


class HealthServer:
    """A small HTTP server for `health` on `host`:`port` (port 0: any free one, told by `port` once started).

    `host` is as `wherry.net.listening.listen` takes it: "" and "::" are every address of both families.
    `sock` is a listening socket to use instead. `start` raises `OSError` when the address is taken.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, health: Health | None = None, sock: socket.socket | None = None
    ):
        self.host = host
        self.port = port
        self.health = health or Health()
        self._sock = sock
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.add_routes(self.health.routes())
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.SockSite(self._runner, self._sock or listen(self.host, self.port)).start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; answers under way get a moment to finish."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def __aenter__(self) -> HealthServer:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        await self.stop()


def _answer(request: web.Request, checks: dict[str, Check]) -> web.Response:
    excluded = set(request.query.getall("exclude", []))
    problems = {name: check() for name, check in checks.items() if name not in excluded}
    failed = [name for name, problem in problems.items() if problem]
    for name in failed:
        log.info("%s check failed: %s: %s", request.path, name, problems[name])
    lines = [f"[-]{name} failed: reason withheld" if p else f"[+]{name} ok" for name, p in problems.items()]
    what = request.path.strip("/")
    if failed:
        return web.Response(status=503, text="\n".join([*lines, f"{what} check failed", ""]))
    if "verbose" in request.query:
        return web.Response(text="\n".join([*lines, f"{what} check passed", ""]))
    return web.Response(text="ok")
