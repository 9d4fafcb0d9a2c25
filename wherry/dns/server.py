"""DNS over UDP and TCP (RFC 1035), and the answers kept as bytes.

A cluster's names change rarely and are asked for all the time. An answer that is the same bytes until the records
change (`Answer.lasting`) is kept under the question's own bytes, so that the next client gets it without any parsing:
only the message id, the first two bytes, differs.
"""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from wherry.dns.chain import Chain
from wherry.dns.metrics import Metrics
from wherry.dns.query import Answer, Query, refuse, respond

log = logging.getLogger(__name__)

KEPT = 20_000
SMALLEST_UDP = 512
LARGEST_UDP = 4096
TCP_IDLE_SECONDS = 10.0


class Server:
    """The server blocks of one port."""

    def __init__(self, port: int, chains: list[Chain], metrics: Metrics):
        self.port = port
        self._chains = [(dns.name.from_text(z), c) for c in chains for z, p in c.block.zones if p == port]
        self._chains.sort(key=lambda zc: -len(zc[0].labels))
        self._metrics = metrics
        self._kept: dict[bytes, tuple[bytes, Callable[[], None]]] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def forget(self) -> None:
        """Throw the kept answers away: the records have changed."""
        self._kept.clear()

    async def listen(self, host: str) -> None:
        """Serve UDP and TCP on `host`."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), (host, self.port), reuse_port=True)
        self._tcp = await asyncio.start_server(self._stream, host, self.port, reuse_port=True)

    def close(self) -> None:
        """Listen no more."""
        if self._udp:
            self._udp.close()
        if self._tcp:
            self._tcp.close()

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
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, client: str, reply: Callable[[bytes], object]) -> None:
        answer = await self.answer(data, client, "udp")
        if answer:
            reply(answer)

    async def answer(self, data: bytes, client: str, transport: str) -> bytes | None:
        """Return the response to a message; None for what deserves none (not a query at all)."""
        start = time.perf_counter()
        try:
            message = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return _format_error(data)
        if message.flags & dns.flags.QR:
            return None
        problem = _problem(message)
        if problem is not None:
            response = dns.message.make_response(message)
            response.set_rcode(problem)
            return response.to_wire()
        query = Query.of(message, client, transport)
        zone, chain = self._chain(query.name)
        answer = await chain.handle(query) if chain else await refuse(query)
        wire = _wire(answer.message, message, transport)
        self._count(query, zone, answer, time.perf_counter() - start)
        if answer.lasting and chain and chain.keeps and transport == "udp" and len(self._kept) < KEPT:
            self._kept[data[2:]] = wire[2:], self._counter(query, zone, answer)
        return wire

    async def resolve(self, query: Query) -> Answer:
        """Run a query of our own through the chains."""
        _, chain = self._chain(query.name)
        return await chain.handle(query) if chain else Answer(respond(query, dns.rcode.REFUSED))

    def _chain(self, name: dns.name.Name) -> tuple[str, Chain | None]:
        return next(((str(z), c) for z, c in self._chains if name.is_subdomain(z)), ("", None))

    def _count(self, query: Query, zone: str, answer: Answer, seconds: float) -> None:
        type_name = dns.rdatatype.to_text(query.type)
        self._metrics.requests.labels(zone, query.transport, type_name).inc()
        self._metrics.responses.labels(zone, dns.rcode.to_text(answer.message.rcode())).inc()
        self._metrics.seconds.labels(zone).observe(seconds)

    def _counter(self, query: Query, zone: str, answer: Answer) -> Callable[[], None]:
        """Return what counts one more query like this one, its labels looked up once."""
        requests = self._metrics.requests.labels(zone, "udp", dns.rdatatype.to_text(query.type))
        responses = self._metrics.responses.labels(zone, dns.rcode.to_text(answer.message.rcode()))
        kept = self._metrics.kept

        def count() -> None:
            requests.inc()
            responses.inc()
            kept.inc()

        return count

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one TCP connection: messages with a length in front, in order (RFC 7766)."""
        client = writer.get_extra_info("peername")[0]
        try:
            while True:
                async with asyncio.timeout(TCP_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                answer = await self.answer(data, client, "tcp")
                if answer is None:
                    return
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            return
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def __init__(self, server: Server):
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        transport = self._transport
        assert transport is not None
        kept = self._server.kept(data)
        if kept is not None:
            transport.sendto(kept, addr)
        else:
            self._server.begin(data, addr[0], lambda answer: transport.sendto(answer, addr))

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


def _format_error(data: bytes) -> bytes | None:
    """Answer what cannot be parsed, if at least its header can (and it is a query)."""
    if len(data) < 12 or data[2] & 0x80:
        return None
    return data[:2] + bytes([0x80 | (data[2] & 0x79), dns.rcode.FORMERR]) + bytes(8)


def _wire(response: dns.message.Message, query: dns.message.Message, transport: str) -> bytes:
    """Return the bytes, cut (TC) to what the client's UDP takes."""
    if transport == "tcp":
        return response.to_wire()
    size = min(max(query.payload, SMALLEST_UDP), LARGEST_UDP) if query.edns >= 0 else SMALLEST_UDP
    try:
        return response.to_wire(max_size=size)
    except dns.exception.TooBig:
        cut = dns.message.make_response(query, recursion_available=True)
        cut.flags = response.flags | dns.flags.TC
        cut.set_rcode(response.rcode())
        return cut.to_wire(max_size=size)
