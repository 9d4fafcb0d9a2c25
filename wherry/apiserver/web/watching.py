"""The event stream of a watch: JSON objects, one a line, or one a message of a WebSocket.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes, KEP-3157.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence

import msgspec
from aiohttp import web

from wherry.apiserver.catalog import Served
from wherry.apiserver.registry.options import WatchOptions
from wherry.apiserver.registry.reader import Stream
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.watches import Event
from wherry.apiserver.web import messages, responses, shapes
from wherry.apiserver.web.media import Form
from wherry.objects.errors import ApiError

BOOKMARK_SECONDS = 60.0
SHORTEST_SECONDS = 1800.0
"""A watch without `timeoutSeconds` lasts this long to twice as long, so that not all clients come back at once."""
BATCH_BYTES = 1 << 18


class WatchResponse:
    """One watch being answered."""

    def __init__(self, request: web.BaseRequest, registry: Registry, served: Served, form: Form):
        self._request = request
        self._registry = registry
        self._served = served
        self._form = form
        self._response = messages.WatchMessages() if messages.wanted(request) else _stream(form)

    async def run(
        self,
        stream: Stream,
        options: WatchOptions,
        warnings: Iterable[str] = (),
        started: Callable[[], None] | None = None,
    ) -> web.StreamResponse:
        """Send events until the time is up, the client goes or the server stops; ends `stream`.

        `started` is called when the initial objects are sent.
        """
        responses.add_warnings(self._response, warnings)
        try:
            await self._response.prepare(self._request)
            await self._send_initial(stream)
            if started is not None:
                started()
            await self._follow(stream, options)
        finally:
            stream.watch.end()
        await self._response.write_eof()
        return self._response

    async def refuse(self, error: ApiError) -> web.StreamResponse:
        """Answer with a stream that says only what is wrong, as upstream does for a version no longer kept."""
        await self._response.prepare(self._request)
        await self._response.write(_line("ERROR", msgspec.json.encode(error.status())))
        await self._response.write_eof()
        return self._response

    async def _send_initial(self, stream: Stream) -> None:
        lines: list[bytes] = []
        size = 0
        for obj in stream.initial:
            await self._served.ready([obj])  # what was fetched for the first may be gone when the last is sent
            lines.append(_line("ADDED", shapes.watched(self._served, obj, self._form)))
            size += len(lines[-1])
            if size > BATCH_BYTES:
                await self._response.write(b"".join(lines))
                lines, size = [], 0
        stream.initial = []
        if stream.marked:
            mark = shapes.bookmark(self._served, stream.revision, self._form, initial=True)
            lines.append(_line("BOOKMARK", mark))
        if lines:
            await self._response.write(b"".join(lines))

    async def _follow(self, stream: Stream, options: WatchOptions) -> None:
        loop = asyncio.get_running_loop()
        lasting = options.timeout if options.timeout is not None else SHORTEST_SECONDS * (1 + random.random())
        end = loop.time() + max(lasting, 1.0)
        bookmark = loop.time() + BOOKMARK_SECONDS * random.uniform(0.75, 1.0) if options.bookmarks else end
        watch, rung = stream.watch, False

        def ring() -> None:
            nonlocal rung
            rung = True
            watch.wake()

        timer = loop.call_at(min(bookmark, end), ring)
        try:
            while True:
                events = await watch.take()
                if events and not await self._tell(events):
                    return
                if watch.ended and watch.idle:
                    return
                if not rung or not watch.idle:
                    continue  # what came while the time ran out: a bookmark must not overtake it
                if options.bookmarks:
                    await self._bookmark()
                    bookmark = loop.time() + BOOKMARK_SECONDS
                if loop.time() >= end:
                    return
                rung, timer = False, loop.call_at(min(bookmark, end), ring)
        finally:
            timer.cancel()

    async def _tell(self, events: Sequence[Event]) -> bool:
        """Send events; return whether that could be done, or the client was told why not."""
        try:
            await self._served.ready([event.object for event in events])
        except ApiError as error:
            await self._response.write(_line("ERROR", msgspec.json.encode(error.status())))
            return False
        await self._response.write(b"".join(map(self._event, events)))
        return True

    async def _bookmark(self) -> None:
        # Everything up to the state's revision has been pushed to the watch, and the watch is empty.
        mark = shapes.bookmark(self._served, self._registry.state.revision, self._form)
        await self._response.write(_line("BOOKMARK", mark))

    def _event(self, event: Event) -> bytes:
        def encode() -> bytes:
            return _line(event.type, shapes.watched(self._served, event.object, self._form))

        resource = self._served.resource
        return event.change.encoded((event.type, resource.group, resource.version, self._form), encode)


def _stream(form: Form) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": form.type, "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    return response


def _line(type_: str, obj: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), obj)
