"""DNS over TCP, and over TLS: messages with their length in front, answered as they are ready (RFC 7766).

No client can take the server from the others: it gets a few questions answered at a time, nothing more is read while it
does not take its answers, and when there are too many connections the one that has been idle longest, of the client
that has most, makes place.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from typing import Any, cast

from wherry.dns.server import Server

IDLE_SECONDS = 10.0
"""How long a client may take to send a question, or to take an answer."""
MOST = 1024
"""Connections."""
AT_ONCE = 64
"""Questions of one connection that are answered before it is another's turn, and that may be under way."""


class Streams:
    """The connections of one server."""

    def __init__(self, server: Server, transport: str):
        self.server = server
        self.transport = transport
        self._open: dict[Stream, None] = {}  # in the order of their last question
        self._by_client: Counter[str] = Counter()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def listen(self, sock: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Serve on a duplicate of `sock`."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Stream(self), sock=sock.dup(), ssl=context)
        self._sweep()

    def close(self) -> None:
        """Take nothing more: connections end when what they asked is answered."""
        if self._listener:
            self._listener.close()
        if self._sweeper:
            self._sweeper.cancel()
        for stream in tuple(self._open):
            stream.finish()

    def add(self, stream: Stream) -> None:
        """A connection begins."""
        if len(self._open) >= MOST:
            self._make_place()
        self._open[stream] = None
        self._by_client[stream.client[0]] += 1

    def touch(self, stream: Stream) -> None:
        """A connection asks something."""
        if stream in self._open:
            del self._open[stream]
            self._open[stream] = None

    def remove(self, stream: Stream) -> None:
        """A connection has ended."""
        if stream not in self._open:
            return
        del self._open[stream]
        self._by_client[stream.client[0]] -= 1
        if not self._by_client[stream.client[0]]:
            del self._by_client[stream.client[0]]

    def _make_place(self) -> None:
        client, _ = self._by_client.most_common(1)[0]
        next(s for s in self._open if s.client[0] == client).abort()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        for stream in tuple(self._open):
            if loop.time() - stream.touched < IDLE_SECONDS:
                break
            stream.abort()
        self._sweeper = loop.call_later(1.0, self._sweep)


class Stream(asyncio.Protocol):
    """One connection."""

    def __init__(self, streams: Streams):
        self._streams = streams
        self._server = streams.server
        self._transport: asyncio.Transport
        self._unread = b""
        self._under_way = 0
        self._blocked = False  # the client does not take its answers
        self._finishing = False
        self._later: asyncio.Handle | None = None
        self.client: tuple[Any, ...] = ("", 0)
        self.touched = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self.client = transport.get_extra_info("peername") or self.client
        self.touched = asyncio.get_running_loop().time()
        self._streams.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._finishing = True
        self._streams.remove(self)
        if self._later:
            self._later.cancel()

    def data_received(self, data: bytes) -> None:
        """Take questions in."""
        self._unread = self._unread + data if self._unread else data
        if self._later is None:
            self._work()

    def eof_received(self) -> bool:
        """Let what was asked be answered, then close."""
        self.finish()
        return self._transport.get_extra_info("ssl_object") is None  # over TLS nothing can be sent any more

    def pause_writing(self) -> None:
        """The client takes nothing: nor do we."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It does again."""
        self._blocked = False
        self._touch()
        self._again()

    def finish(self) -> None:
        """Close, once what is under way is answered."""
        self._finishing = True
        if not self._under_way and not self._later:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
        self._streams.remove(self)

    def _work(self) -> None:
        """Answer the next few questions; the rest when the others have had their turn."""
        self._later = None
        data, at, out = self._unread, 0, []
        for _ in range(AT_ONCE):
            if self._blocked or self._under_way >= AT_ONCE or len(data) - at < 2:
                break
            end = at + 2 + (data[at] << 8 | data[at + 1])
            if len(data) < end:
                self._finishing |= _can_be_no_question(data[at:])
                break
            message, at = data[at + 2 : end], end
            known = self._server.known(message, datagram=False)
            if known is None:
                known = self._server.gated(message, self.client[0], datagram=False)
            if known is not None:
                out.append(len(known).to_bytes(2, "big") + known)
            else:
                self._begin(message)
        if at:
            self._unread = data[at:]
            self._touch()
        if out and not self._transport.is_closing():
            self._transport.write(b"".join(out))
        self._again()

    def _again(self) -> None:
        """See what can be done next."""
        if self._transport.is_closing():
            return
        more = len(self._unread) > 1 and len(self._unread) >= 2 + (self._unread[0] << 8 | self._unread[1])
        if not more:
            self._transport.resume_reading()
            if self._finishing and not self._under_way:
                self._transport.close()
            return
        self._transport.pause_reading()
        if self._later is None and not self._blocked and self._under_way < AT_ONCE:
            self._later = asyncio.get_running_loop().call_soon(self._work)

    def _begin(self, message: bytes) -> None:
        if self._server.begin(message, self.client, self._streams.transport, self._done):
            self._under_way += 1

    def _done(self, answer: bytes | None) -> None:
        self._under_way -= 1
        if self._transport.is_closing():
            return
        if answer is None:  # no query, or one that gets no answer
            self._transport.close()
            return
        self._transport.write(len(answer).to_bytes(2, "big") + answer)
        self._again()

    def _touch(self) -> None:
        self.touched = asyncio.get_running_loop().time()
        self._streams.touch(self)


def _can_be_no_question(begun: bytes) -> bool:
    """Return whether a message that has only begun to arrive asks more than one question, which none may (RFC 9619).

    So does HTTP, taken for DNS: waiting for the 18,245 bytes that `GE` announces would let its client wait for nothing.
    """
    return len(begun) >= 8 and begun[6:8] > b"\x00\x01"
