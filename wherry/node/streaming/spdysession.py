"""A `Session` over SPDY streams: one per direction, told apart by their `streamType` header (kubectl before 1.30)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from wherry.node.streaming.duplex import Duplex
from wherry.node.streaming.pipe import Pipe
from wherry.node.streaming.session import Output, SizeReader, Sizes, Streams, error_text
from wherry.node.streaming.spdy import SpdyError
from wherry.node.streaming.spdyconnection import SpdyConnection, SpdyStream
from wherry.objects import Object

log = logging.getLogger(__name__)

PROTOCOLS = ("v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
"""What we speak, best first. v4 sends a Status at the end, v3 terminal sizes; without any header it is the last."""

CREATION_SECONDS = 30.0
"""How long a client may take to open its streams (kubelet's default stream creation timeout)."""


class SpdySession:
    """See `Session`. Use `open`."""

    def __init__(self, duplex: Duplex, streams: Streams, protocol: str):
        self.stdin = Pipe(ended=not streams.stdin)
        self.sizes = Sizes()
        self.gone = asyncio.Event()
        self._structured = protocol == "v4.channel.k8s.io"
        self._wanted = {"error"} | {name for name in ("stdin", "stdout", "stderr") if getattr(streams, name)}
        if streams.tty and protocol in PROTOCOLS[:2]:
            self._wanted.add("resize")
        self._found: dict[str, SpdyStream] = {}
        self._complete = asyncio.Event()
        self._duplex = duplex
        self._connection = SpdyConnection(duplex, self._opened)
        self._reader = asyncio.create_task(self._read())
        self._resizing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, duplex: Duplex, streams: Streams, protocol: str) -> SpdySession:
        """Return the session once the client has opened all its streams; raises `ConnectionError` when it does not."""
        session = cls(duplex, streams, protocol)
        try:
            async with asyncio.timeout(CREATION_SECONDS):
                await session._complete.wait()
            if session.gone.is_set():
                raise ConnectionResetError("the client is gone")
        except BaseException as error:
            await session._hang_up()
            if isinstance(error, TimeoutError):
                raise ConnectionResetError("the client did not open its streams in time") from None
            raise
        if "stdin" in session._found:
            session.stdin = session._found["stdin"].incoming
        if "resize" in session._found:
            session._resizing = asyncio.create_task(session._read_sizes(session._found["resize"]))
        return session

    async def write(self, output: Output, data: bytes) -> None:
        """See `Session.write`."""
        if stream := self._found.get(output):
            await stream.write(data)

    async def finish(self, status: Object) -> None:
        """See `Session.finish`."""
        try:
            with suppress(ConnectionError):
                await self._found["error"].write(error_text(status, structured=self._structured))
                for name in ("error", "stdout", "stderr", "stdin", "resize"):
                    if stream := self._found.get(name):
                        await stream.close()
            await self._connection.close(self._reader)
        finally:
            await self._hang_up()

    async def _hang_up(self) -> None:
        tasks = [task for task in (self._reader, self._resizing) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._duplex.close()

    async def _read(self) -> None:
        try:
            await self._connection.run()
        except (SpdyError, ConnectionError) as error:
            log.info("client broke off: %s", error)
        finally:
            self.gone.set()
            self._complete.set()

    def _opened(self, stream: SpdyStream) -> bool:
        kind = stream.headers.get("streamtype", "")
        if kind not in self._wanted or kind in self._found:
            return False
        self._found[kind] = stream
        if self._found.keys() == self._wanted:
            # The reply to this last stream is sent when we return, before anything a woken task could send.
            asyncio.get_running_loop().call_soon(self._complete.set)
        return True

    async def _read_sizes(self, stream: SpdyStream) -> None:
        reader = SizeReader(self.sizes)
        while data := await stream.incoming.read():
            reader.feed(data)
