"""A controller with a real nginx on loopback ports, a fake API server, and small real backends."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fake.client import FakeClient
from tests.freeports import free_port
from wherry.ingress.controller import Controller
from wherry.ingress.fronts.gateway.resources import CLASSES, GATEWAYS, GRANTS, ROUTES
from wherry.ingress.nginx.process import Nginx, find_binary, worker_user
from wherry.ingress.nginx.runtime import MODULES_DIRECTORY, Runtime
from wherry.ingress.options import Options
from wherry.objects import Object

DEADLINE_SECONDS = 60.0

needs_nginx = pytest.mark.skipif(
    not (MODULES_DIRECTORY / "ngx_http_lua_module.so").exists()
    or shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin") is None,
    reason="needs nginx with libnginx-mod-http-lua",
)


async def eventually(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until `condition` holds; fail with `what` when it does not."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.02)


class Backend:
    """A real HTTP server that says what it was asked. `name` is in every answer; `delay` seconds pass before it."""

    def __init__(self, name: str, *, tls: ssl.SSLContext | None = None, delay: float = 0):
        self.name = name
        self.port = 0
        self.delay = delay
        self.connections: set[Any] = set()
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Backend:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/ws", self._websocket)
        app.router.add_route("*", "/{rest:.*}", self._echo)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _echo(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        body = await request.read()
        if self.delay:
            await asyncio.sleep(self.delay)
        return web.json_response(
            {
                "backend": self.name,
                "path": request.path_qs,
                "method": request.method,
                "length": len(body),
                "headers": dict(request.headers),
            }
        )

    @staticmethod
    async def _websocket(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            await ws.send_str(f"echo {message.data}")
        return ws


class World:
    """The controller under test and ways to ask its nginx."""

    def __init__(self, client: FakeClient, options: Options, nginx: Nginx, controller: Controller):
        self.client = client
        self.options = options
        self.nginx = nginx
        self.controller = controller

    async def ask(self, host: str, path: str = "/", *, tls: bool = False, **more: Any) -> tuple[int, Any, Any]:
        """Return status, headers and decoded body (text where it is not JSON) of one request on a new connection."""
        port = self.options.https_port if tls else self.options.http_port
        context = ssl._create_unverified_context() if tls else None
        headers = {"Host": host, **more.pop("headers", {})}
        connector = aiohttp.TCPConnector(force_close=True, ssl=context or True)
        url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
        async with (
            aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
            session.request(
                more.pop("method", "GET"),
                url,
                headers=headers,
                allow_redirects=False,
                server_hostname=host if tls else None,
                **more,
            ) as answer,
        ):
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, answer.headers, (await answer.json() if is_json else text)

    async def becomes(self, status: int, host: str, path: str = "/", **more: Any) -> Any:
        """Ask until the answer has `status`; return its body."""
        last: list[Any] = []

        async def met() -> bool:
            last[:] = await self.ask(host, path, **more)
            return bool(last[0] == status)

        await eventually(met, f"{status} from {host}{path}")
        return last[2]

    def workers(self) -> set[int]:
        """Return the process ids of nginx' current workers."""
        assert self.nginx.pid is not None
        children = Path(f"/proc/{self.nginx.pid}/task/{self.nginx.pid}/children").read_text().split()
        return {int(pid) for pid in children if b"nginx: worker process\0" in title(pid)}

    async def settled(self) -> bool:
        """Whether the workers of the configuration before have been told to end, and all new ones are there."""
        before = self.workers()
        await asyncio.sleep(0.1)
        return 0 < len(before) <= os.sysconf("SC_NPROCESSORS_ONLN") and self.workers() == before


def title(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0") + b"\0"
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or ends while it is read
        return b""


@asynccontextmanager
async def running(
    directory: Path, *objects: Object, shared_memory: str = "32m", **changes: Any
) -> AsyncIterator[World]:
    """Run a controller on `objects` until left."""
    client = FakeClient()
    for resource in (CLASSES, GATEWAYS, ROUTES, GRANTS):
        client.serve(resource)
    client.put(*objects)
    options = Options(
        http_port=free_port(),
        https_port=free_port(),
        health_host="127.0.0.1",
        health_port=0,
        directory=directory,
        **{"reload_seconds": 0.0, "drain_seconds": 5.0, **changes},
    )
    runtime = Runtime(
        directory=directory,
        http_port=options.http_port,
        https_port=options.https_port,
        user=worker_user(),
        most_connections=512,
        access_log="",
        error_level="warn",
        shared_memory=shared_memory,
    )
    nginx = Nginx(runtime, find_binary())
    controller = Controller(client, options, nginx)
    task = asyncio.create_task(controller.run())
    world = World(client, options, nginx, controller)

    async def ready() -> bool:
        if task.done():
            task.result()
        return await healthy(world)

    try:
        await eventually(ready, "the controller is healthy")
        await eventually(world.settled, "only current workers are left")
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await controller.stop()


async def healthy(world: World) -> bool:
    if not world.controller.health.port:
        return False
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{world.controller.health.port}/healthz") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False
