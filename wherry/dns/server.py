"""DNS over UDP and TCP (RFC 1035), and the answers kept as bytes.

A cluster's names change rarely and are asked for all the time. An answer that is the same bytes until the records
change (`Answer.lasting`) is kept under the question's own bytes, so that the next client gets it without any parsing:
only the message id, the first two bytes, differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import time
from collections.abc import Callable
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass

from wherry.dns.chain import Chain
from wherry.dns.metrics import Metrics, type_label
from wherry.dns.query import Answer, Query, refuse
from wherry.dns.sockets import Pair
from wherry.dns.wire import fit, limit

log = logging.getLogger(__name__)

KEPT = 20_000
LONGEST_KEPT = 512
"""Longer questions are not worth keeping, and would let a client decide how much memory we use."""
TCP_SECONDS = 10.0
"""How long a client may take to send a question, or to take an answer."""
MOST_STREAMS = 512
DRAIN_SECONDS = 5.0
HEADER = 12  # bytes


class Server:
    """The server blocks of one port."""

    def __init__(self, port: int, chains: list[Chain], metrics: Metrics):
        self.port = port
        self._name = f"dns://:{port}"
        self._chains = [(dns.name.from_text(z), c) for c in chains for z, p in c.block.zones if p == port]
        self._chains.sort(key=lambda zc: -len(zc[0].labels))
        self._metrics = metrics
        self._kept: dict[bytes, tuple[bytes, Callable[[], None]]] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._streams = 0
        self._idle: set[asyncio.StreamWriter] = set()  # connections that wait for a question
        self._stopping = False

    def forget(self) -> None:
        """Throw the kept answers away: the records have changed. An answer under way keeps itself in the old dict."""
        self._kept = {}

    async def listen(self, sockets: Pair) -> None:
        """Serve on duplicates of `sockets`."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self, sockets.udp.sendto), sock=sockets.udp.dup()
        )
        self._tcp = await asyncio.start_server(self._stream, sock=sockets.tcp.dup())

    async def stop(self) -> None:
        """Take nothing more; return once what was taken is answered, or after `DRAIN_SECONDS`."""
        self._stopping = True
        if self._udp:
            self._udp.close()
        if self._tcp:
            self._tcp.close()
        for writer in list(self._idle):
            writer.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()

    def kept(self, data: bytes) -> bytes | None:
        """Return the kept answer to these very bytes, if there is one."""
        found = self._kept.get(data[2:])
        if found is None:
            return None
        found[1]()
        return data[:2] + found[0]

    def begin(self, data: bytes, client: str, reply: Callable[[bytes], object]) -> None:
        """Answer a datagram in the background."""
        task = asyncio.ensure_future(self._reply(data, client, reply))
        self._track(task)
        task.add_done_callback(lambda done: reply(_bare(data, dns.rcode.SERVFAIL)) if _failed(done) else None)

    async def _reply(self, data: bytes, client: str, reply: Callable[[bytes], object]) -> None:
        answer = await self.answer(data, client, "udp")
        if answer:
            reply(answer)

    def _track(self, task: asyncio.Task[Any]) -> None:
        """Let `stop` wait for `task`, and count and log a failure that only a bug of ours can be."""
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if error := _failed(task):
            self._metrics.panics.inc()
            log.error("a query could not be handled", exc_info=error)

    async def answer(self, data: bytes, client: str, transport: str) -> bytes | None:
        """Return the response to a message; None for what deserves none (not a query at all)."""
        start, kept = time.perf_counter(), self._kept
        try:
            message = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return _bare(data, dns.rcode.FORMERR) if len(data) >= HEADER and not data[2] & 0x80 else None
        if message.flags & dns.flags.QR:
            return None
        problem = _problem(message)
        if problem is not None:
            response = dns.message.make_response(message, pad=0)
            response.set_rcode(problem)
            return response.to_wire()
        query = Query.of(message, client, transport)
        zone, chain = self._chain(query.name)
        answer = await chain.handle(query) if chain else await refuse(query)
        wire = fit(answer.message, limit(message, transport))
        self._count(query, zone, answer, time.perf_counter() - start)
        if answer.lasting and chain and chain.keeps and transport == "udp" and len(data) <= LONGEST_KEPT:
            if len(kept) >= KEPT:
                del kept[next(iter(kept))]
            kept[data[2:]] = wire[2:], self._counter(query, zone, answer)
        return wire

    async def resolve(self, query: Query) -> Answer:
        """Run a query of our own through the chains."""
        _, chain = self._chain(query.name)
        return await chain.handle(query) if chain else await refuse(query)

    def _chain(self, name: dns.name.Name) -> tuple[str, Chain | None]:
        return next(((str(z), c) for z, c in self._chains if name.is_subdomain(z)), ("", None))

    def _count(self, query: Query, zone: str, answer: Answer, seconds: float) -> None:
        self._metrics.requests.labels(self._name, zone, query.transport, type_label(query.type)).inc()
        self._metrics.responses.labels(self._name, zone, dns.rcode.to_text(answer.message.rcode())).inc()
        self._metrics.seconds.labels(self._name, zone).observe(seconds)

    def _counter(self, query: Query, zone: str, answer: Answer) -> Callable[[], None]:
        """Return what counts one more query like this one, its labels looked up once."""
        requests = self._metrics.requests.labels(self._name, zone, "udp", type_label(query.type))
        responses = self._metrics.responses.labels(self._name, zone, dns.rcode.to_text(answer.message.rcode()))
        kept = self._metrics.kept

        def count() -> None:
            requests.inc()
            responses.inc()
            kept.inc()

        return count

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one TCP connection: messages with a length in front, in order (RFC 7766)."""
        task = asyncio.current_task()
        if task is None or self._streams >= MOST_STREAMS:
            writer.transport.abort()
            return
        self._track(task)
        self._streams += 1
        client = writer.get_extra_info("peername")[0]
        try:
            while not self._stopping:
                self._idle.add(writer)
                async with asyncio.timeout(TCP_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                self._idle.discard(writer)
                answer = await self.answer(data, client, "tcp")
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                async with asyncio.timeout(TCP_SECONDS):
                    await writer.drain()
        except TimeoutError:
            writer.transport.abort()  # a client that takes nothing would keep a closing connection for ever
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            self._streams -= 1
            self._idle.discard(writer)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side. `late` sends answers that are ready only after the server stopped listening."""

    def __init__(self, server: Server, late: Callable[[bytes, tuple[str, int]], object]):
        self._server = server
        self._late = late
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        kept = self._server.kept(data)
        if kept is not None:
            self._transport.sendto(kept, addr)
        else:
            self._server.begin(data, addr[0], lambda answer: self._send(answer, addr))

    def _send(self, answer: bytes, addr: tuple[str, int]) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(answer, addr)
            return
        with contextlib.suppress(OSError):
            self._late(answer, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("a client is gone: %s", exc)


def _problem(message: dns.message.Message) -> dns.rcode.Rcode | None:
    """Return the code for a query nobody can answer, None for a good one."""
    if message.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(message.question) != 1:
        return dns.rcode.FORMERR
    if message.question[0].rdclass != dns.rdataclass.IN:
        return dns.rcode.REFUSED
    if message.edns > 0:
        return dns.rcode.BADVERS
    return None


def _bare(data: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """Return an answer without a question, made from a query's header alone (RFC 1035, 4.1.1)."""
    return data[:2] + bytes([0x80 | (data[2] & 0x79), rcode]) + bytes(8)


def _failed(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()
