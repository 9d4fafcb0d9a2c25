"""Something to proxy to: tells what it was asked, streams, redirects, upgrades, breaks off."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from aiohttp import WSMsgType, web

PAGE = b'<a href="/next">next</a><a href="near">near</a>'


class Backend:
    """An HTTP server on a loopback port; `requests` are what it got, `got` the bytes of streamed bodies so far."""

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.got = bytearray()
        self.more = asyncio.Event()
        self.port = 0
        self._tls = tls
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/up", self._up)
        app.router.add_get("/down", self._down)
        app.router.add_get("/slow", self._slow)
        app.router.add_get("/broken", self._broken)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/page", self._page)
        app.router.add_get("/redirect", self._redirect)
        app.router.add_route("*", "/{rest:.*}", self._echo)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Backend:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _note(self, request: web.Request) -> bytes:
        body = await request.read()
        self.requests.append((request.method, request.raw_path, dict(request.headers), body))
        return body

    async def _echo(self, request: web.Request) -> web.Response:
        body = await self._note(request)
        status = int(request.query.get("status", 200))
        headers = {"X-Own": "1", "Keep-Alive": "9", "Access-Control-Allow-Origin": "*", "Set-Cookie": "a=b"}
        return web.Response(status=status, body=body or b"hello", content_type="text/plain", headers=headers)

    async def _up(self, request: web.Request) -> web.Response:
        async for part in request.content.iter_any():
            self.got += part
            self.more.set()
        return web.Response(text=str(len(self.got)))

    async def _down(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(int(request.query["count"])):
            await response.write(b"x" * 65536)
        await response.write_eof()
        return response

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await self.more.wait()
        await response.write(b"two")
        return response

    async def _broken(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"some")
        assert request.transport is not None
        request.transport.close()
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        self.requests.append((request.method, request.raw_path, dict(request.headers), b""))
        socket = web.WebSocketResponse(protocols=("chat",))
        await socket.prepare(request)
        await socket.send_str("welcome")
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data.upper())
        return socket

    async def _page(self, request: web.Request) -> web.Response:
        await self._note(request)
        return web.Response(body=PAGE, content_type="text/html")

    async def _redirect(self, request: web.Request) -> web.Response:
        await self._note(request)
        return web.Response(status=302, headers={"Location": request.query["to"]})

    def last(self) -> tuple[str, str, dict[str, str], bytes]:
        return self.requests[-1]


def endpoints(name: str, *addresses: str, ports: dict[str, int]) -> dict[str, Any]:
    """Return an Endpoints object whose addresses are of pods of the same name."""
    targets = [{"ip": a, "targetRef": {"kind": "Pod", "namespace": "demo", "name": name}} for a in addresses]
    named = [{"port": number, **({"name": port} if port else {})} for port, number in ports.items()]
    return {"metadata": {"name": name}, "subsets": [{"addresses": targets, "ports": named}]}
