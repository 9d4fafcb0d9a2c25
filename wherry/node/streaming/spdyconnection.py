"""SPDY streams over a byte stream: the server's side.

Flow control is left to the connection underneath. The clients there are (moby/spdystream in kubectl and client-go)
neither send WINDOW_UPDATE nor heed it, so waiting for windows would stall them; a slow reader holds the whole
connection up, as it does upstream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from wherry.node.streaming import spdy
from wherry.node.streaming.duplex import Duplex, deliver
from wherry.node.streaming.pipe import Pipe

CHUNK = 1 << 15
MOST_STREAMS = 4096
LINGER_SECONDS = 3.0
"""How long a finished connection waits for the client to hang up first: closing with its data unread would reset it,
and the client might lose what we said last."""


class SpdyStream:
    """One stream a client has opened: its headers, what it sends, and the way back."""

    def __init__(self, id: int, headers: Mapping[str, str], connection: SpdyConnection):
        self.id = id
        self.headers = headers
        self.incoming = Pipe()
        self._connection = connection
        self._sending = True

    async def write(self, data: bytes) -> None:
        """Send `data`; raises `ConnectionError` when the client is gone or has reset the stream."""
        for start in range(0, len(data), CHUNK):
            if not self._sending:
                raise ConnectionResetError("the stream is closed")
            await self._connection.send(spdy.Data(self.id, data[start : start + CHUNK]))

    async def close(self) -> None:
        """End our direction; no effect twice."""
        if self._sending:
            self._sending = False
            await self._connection.send(spdy.Data(self.id, b"", fin=True))

    async def reset(self, status: int = spdy.CANCEL) -> None:
        """End both directions at once."""
        self.drop()
        await self._connection.send(spdy.RstStream(self.id, status))

    def drop(self) -> None:
        """Note that the stream is over both ways."""
        self._sending = False
        self.incoming.end()


class SpdyConnection:
    """The connection: call `run` to read it, `close` to end it.

    `on_stream` is told of every stream the client opens, and returns whether it is welcome.
    """

    def __init__(self, duplex: Duplex, on_stream: Callable[[SpdyStream], bool]):
        self._duplex = duplex
        self._on_stream = on_stream
        self._encoder = spdy.Encoder()
        self._decoder = spdy.Decoder()
        self._sending = asyncio.Lock()
        self._streams: dict[int, SpdyStream] = {}
        self._last_stream = 0

    async def run(self) -> None:
        """Read until the client closes, is gone, or breaks the protocol; every stream has ended then."""
        try:
            while data := await self._duplex.read():
                for frame in self._decoder.feed(data):
                    await self._take(frame)
        except spdy.SpdyError:
            with suppress(ConnectionError):
                await self.send(spdy.GoAway(self._last_stream, spdy.PROTOCOL_ERROR))
            raise
        finally:
            for stream in self._streams.values():
                stream.drop()

    async def send(self, frame: spdy.Frame) -> None:
        """Send one frame; raises `ConnectionError` when the client is gone."""
        async with self._sending:  # headers must leave in the order in which they were compressed
            await self._duplex.write(self._encoder.encode(frame))

    def forget(self, stream: SpdyStream) -> None:
        """Let go of a stream that nobody will read any more; what still arrives for it is dropped."""
        self._streams.pop(stream.id, None)
        stream.incoming.abandon()

    async def close(self, reader: asyncio.Task[None]) -> None:
        """Say goodbye, give the client a moment to hang up, and close. `reader` is the task of `run`."""
        for stream in self._streams.values():
            stream.incoming.abandon()
        with suppress(ConnectionError):
            await self.send(spdy.GoAway(self._last_stream))
        await asyncio.wait([reader], timeout=LINGER_SECONDS)
        await self._duplex.close()

    async def _take(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.SynStream():
                await self._open(frame)
            case spdy.Data():
                await self._data(frame)
            case spdy.RstStream():
                if stream := self._streams.pop(frame.stream, None):
                    stream.drop()
            case spdy.Headers(fin=True):
                self._end(frame.stream)
            case spdy.Ping() if frame.id % 2 == 1:
                await self.send(frame)
            case _:
                pass  # replies, settings, windows, and the goodbye of a client that will hang up itself

    async def _open(self, frame: spdy.SynStream) -> None:
        if frame.stream <= self._last_stream or frame.stream % 2 == 0:
            raise spdy.SpdyError(f"stream {frame.stream} is out of order")
        self._last_stream = frame.stream
        stream = SpdyStream(frame.stream, frame.headers, self)
        if len(self._streams) >= MOST_STREAMS or not self._on_stream(stream):
            await self.send(spdy.RstStream(frame.stream, spdy.REFUSED_STREAM))
            return
        self._streams[stream.id] = stream
        if frame.fin:
            stream.incoming.end()
        await self.send(spdy.SynReply(stream.id))

    async def _data(self, frame: spdy.Data) -> None:
        stream = self._streams.get(frame.stream)
        if stream is None:
            return  # a stream we have let go of: what the client sent before it learned of that
        await deliver(frame.data, stream.incoming, self._duplex.gone)
        if frame.fin:
            self._end(frame.stream)

    def _end(self, id: int) -> None:
        if stream := self._streams.get(id):
            stream.incoming.end()
