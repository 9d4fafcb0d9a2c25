"""Port-forward: each connection of the client's is a TCP connection to 127.0.0.1 inside the pod's network namespace.

Over SPDY (plain, or tunnelled in a WebSocket) every connection is a pair of streams, data and error, matched by their
`requestID`; over plain WebSocket channels (2n data, 2n+1 error) there is one connection per port asked for. Sources:
`portforward/httpstream.go` and `websocket.go` in the CRI streaming of upstream's kubelet.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from wherry.net import namespaces
from wherry.node.streaming.channels import ChannelSocket
from wherry.node.streaming.duplex import Duplex, deliver
from wherry.node.streaming.pipe import Pipe
from wherry.node.streaming.spdy import SpdyError
from wherry.node.streaming.spdyconnection import SpdyConnection, SpdyStream
from wherry.objects.errors import BadRequest

log = logging.getLogger(__name__)

SPDY_PROTOCOLS = ("portforward.k8s.io",)
TUNNEL_PROTOCOL = "SPDY/3.1+portforward.k8s.io"
CHANNEL_PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")

CONNECT_SECONDS = 10.0
PAIR_SECONDS = 30.0
"""How long one stream of a pair waits for the other (kubelet's default stream creation timeout)."""
CHUNK = 1 << 15

Send = Callable[[bytes], Awaitable[None]]


class ForwardTarget:
    """A pod's ports. `network` is its network namespace, None for this process's own."""

    def __init__(self, namespace: str, pod: str, network: Path | None):
        self._name = f"{namespace}/{pod}"
        self._network = network

    async def connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a port, over IPv4 or else IPv6; raises `OSError`."""
        try:
            return await self._connect(socket.AF_INET, "127.0.0.1", port)
        except ConnectionRefusedError:
            with suppress(OSError):
                return await self._connect(socket.AF_INET6, "::1", port)
            raise

    async def _connect(
        self, family: socket.AddressFamily, host: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = self._socket(family)
        try:
            made.setblocking(False)
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(made, (host, port))
            return await asyncio.open_connection(sock=made, limit=CHUNK)
        except BaseException:
            made.close()
            raise

    def _socket(self, family: socket.AddressFamily) -> socket.socket:
        if self._network is None:
            return socket.socket(family, socket.SOCK_STREAM)
        return namespaces.run(self._network, socket.socket, family, socket.SOCK_STREAM)

    async def forward(self, port: int, incoming: Pipe, send: Send, end: Callable[[], Awaitable[None]]) -> str:
        """Carry one connection until both directions have ended; returns what went wrong, "" for nothing."""
        try:
            reader, writer = await self.connect(port)
        except (OSError, TimeoutError) as error:
            reason = "connection timed out" if isinstance(error, TimeoutError) else error.strerror or str(error)
            return f"error forwarding port {port} to pod {self._name}: failed to connect to localhost:{port}: {reason}"
        upward = asyncio.create_task(_upward(incoming, writer))
        try:
            while data := await reader.read(CHUNK):
                await send(data)
            await end()
        except ConnectionError as error:
            log.info("forwarded connection ended: pod=%s port=%d: %s", self._name, port, error)
        finally:
            incoming.abandon()
            upward.cancel()
            await asyncio.gather(upward, return_exceptions=True)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        return ""


async def _upward(incoming: Pipe, writer: asyncio.StreamWriter) -> None:
    """Carry what the client sends; its end closes that direction only."""
    try:
        while data := await incoming.read():
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        incoming.abandon()


class SpdyForward:
    """Port-forward over SPDY: call `run`."""

    def __init__(self, duplex: Duplex, target: ForwardTarget):
        self._duplex = duplex
        self._target = target
        self._connection = SpdyConnection(duplex, self._opened)
        self._waiting: dict[str, dict[str, SpdyStream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the client is gone."""
        try:
            await self._connection.run()
        except (SpdyError, ConnectionError) as error:
            log.info("port-forward client broke off: %s", error)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._duplex.close()

    def _opened(self, stream: SpdyStream) -> bool:
        kind, port = stream.headers.get("streamtype", ""), stream.headers.get("port", "")
        if kind not in ("data", "error") or not _is_port(port):
            return False
        # Clients of old name no request: their two streams follow one another.
        request = stream.headers.get("requestid") or str(stream.id if kind == "error" else stream.id - 2)
        pair = self._waiting.setdefault(request, {})
        if kind in pair:
            return False
        pair[kind] = stream
        if len(pair) == 2:
            del self._waiting[request]
            self._start(self._forward(pair["data"], pair["error"], int(port)))
        else:
            self._start(self._expire(request, stream))
        return True

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, data: SpdyStream, error: SpdyStream, port: int) -> None:
        try:
            problem = await self._target.forward(port, data.incoming, data.write, data.close)
            if problem:
                log.info(problem)
                await error.write(problem.encode())
            await data.close()
            await error.close()
        except ConnectionError as reset:
            log.debug("client closed a forwarded connection first: %s", reset)
        finally:
            self._connection.forget(data)
            self._connection.forget(error)

    async def _expire(self, request: str, stream: SpdyStream) -> None:
        await asyncio.sleep(PAIR_SECONDS)
        if stream in self._waiting.get(request, {}).values():
            del self._waiting[request]
            self._connection.forget(stream)
            with suppress(ConnectionError):
                await stream.reset()


class ChannelForward:
    """Port-forward over WebSocket channels, to the `ports` asked for in the query: call `run`."""

    def __init__(self, socket: ChannelSocket, target: ForwardTarget, ports: list[int]):
        self._socket = socket
        self._target = target
        self._ports = ports
        self._incoming = [Pipe() for _ in ports]

    async def run(self) -> None:
        """Serve until every connection has ended, or the client is gone."""
        for index, port in enumerate(self._ports):
            for channel in (2 * index, 2 * index + 1):  # each channel starts with its port, little endian
                await self._socket.send(channel, port.to_bytes(2, "little"))
        connections = [asyncio.create_task(self._forward(i, port)) for i, port in enumerate(self._ports)]
        reading = asyncio.create_task(self._read())
        all_ended = asyncio.create_task(asyncio.wait(connections))
        try:
            await asyncio.wait({reading, all_ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, *connections):
                task.cancel()
            await asyncio.gather(reading, all_ended, return_exceptions=True)
            await self._socket.close()

    async def _forward(self, index: int, port: int) -> None:
        async def send(data: bytes) -> None:
            await self._socket.send(2 * index, data)

        async def end() -> None:
            """Channels have no end of their own: the socket closes after the last connection."""

        if problem := await self._target.forward(port, self._incoming[index], send, end):
            log.info(problem)
            with suppress(ConnectionError):
                await self._socket.send(2 * index + 1, problem.encode())

    async def _read(self) -> None:
        with suppress(ConnectionError):
            while message := await self._socket.receive():
                channel, data = message
                if channel % 2 == 0 and channel // 2 < len(self._incoming):
                    await deliver(data, self._incoming[channel // 2], self._socket.gone)


def parse_ports(values: list[str]) -> list[int]:
    """Return the ports of a query (`port=80,8080`, repeated or not); raises `BadRequest`."""
    texts = [text.strip() for value in values for text in value.split(",") if text.strip()]
    if not texts:
        raise BadRequest('query parameter "port" is required')
    if bad := [text for text in texts if not _is_port(text)]:
        raise BadRequest(f'unable to parse "{bad[0]}" as a port: must be a number from 1 to 65535')
    return [int(text) for text in texts]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535
