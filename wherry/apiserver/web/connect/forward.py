"""A request and its answer, passed through as they come: nothing is held back but the links of an HTML page.

Trailers are not passed on; the client library does not show them.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from http import HTTPStatus

import aiohttp
import msgspec
from aiohttp import hdrs, web
from yarl import URL

from wherry.apiserver.web import bodies, messages
from wherry.apiserver.web.connect import headers
from wherry.apiserver.web.connect.links import Links
from wherry.apiserver.web.connect.location import Location
from wherry.apiserver.web.connect.markup import WINDOW_BITS, Page
from wherry.objects.errors import ApiError, InternalError, ServiceUnavailable

CONNECT_SECONDS = 30.0
BUFFER_BYTES = 1 << 18
LARGEST_MESSAGE = 64 * 1024
_OURS = (hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE)  # what the library would add by itself


class Forwarder:
    """Passes requests on, each over a connection of its own; belongs to the event loop that uses it first.

    A kept connection may close just when it is used again, and a request that is not idempotent cannot be repeated.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def log(self, request: web.BaseRequest, location: Location) -> web.StreamResponse:
        """Answer with a log as the node sends it; raises `InternalError`, or the node's own refusal."""
        try:
            answer = await self._send("GET", location, [], None)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise InternalError.of(f'Get "{location.url}": {location.failure(error)}') from error
        async with answer:
            if answer.status != HTTPStatus.OK:
                raise _refusal(answer.status, await answer.content.read(LARGEST_MESSAGE))
            kind = answer.headers.get(hdrs.CONTENT_TYPE, "text/plain")
            response = messages.LogMessages() if messages.wanted(request) else web.StreamResponse()
            response.headers[hdrs.CONTENT_TYPE] = kind
            return await _copy(request, response, answer.content.iter_any())

    async def proxy(
        self, request: web.BaseRequest, location: Location, sent: headers.Pairs, links: Links | None = None
    ) -> web.StreamResponse:
        """Answer with what a backend says to the client's request, `sent` with these headers.

        Its links are made to lead through the proxy again where `links` says how. Raises `ServiceUnavailable`.
        """
        body = request.content if request.can_read_body else None
        bodies.invite(request)
        try:
            answer = await self._send(request.method, location, sent, body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            why = location.failure(error)
            raise ServiceUnavailable(f"error trying to reach service: {why}") from error
        async with answer:
            return await _answer(request, answer, links)

    async def _send(
        self, method: str, location: Location, sent: headers.Pairs, body: aiohttp.StreamReader | None
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                auto_decompress=False,
                skip_auto_headers=_OURS,
                read_bufsize=BUFFER_BYTES,
            )
        url = URL(location.url, encoded=True)
        return await self._session.request(
            method,
            url,
            headers=sent,
            data=body,
            ssl=location.tls or True,
            server_hostname=location.server,
            allow_redirects=False,
        )


async def _answer(request: web.BaseRequest, answer: aiohttp.ClientResponse, links: Links | None) -> web.StreamResponse:
    """Pass a backend's answer on, its redirect or the links of its page changed."""
    kept = headers.for_client(answer.headers.items())
    content: AsyncIterator[bytes] = answer.content.iter_any()
    if links is None:
        pass
    elif target := answer.headers.get(hdrs.LOCATION):
        kept = [*headers.without(kept, {"location"}), (hdrs.LOCATION, links.through_proxy(target))]
    elif _is_page(request, answer):
        kept = headers.without(kept, {"content-length"})
        content = _rewritten(content, Page(links.through_proxy, answer.headers.get(hdrs.CONTENT_ENCODING, "")))
    response = web.StreamResponse(status=answer.status, reason=answer.reason)
    for name, value in kept:
        response.headers.add(name, value)
    return await _copy(request, response, content)


def _is_page(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> bool:
    """Tell whether an answer brings a whole HTML page, in an encoding that can be looked into."""
    whole = request.method != "HEAD" and answer.status != HTTPStatus.PARTIAL_CONTENT
    return whole and answer.content_type == "text/html" and answer.headers.get(hdrs.CONTENT_ENCODING, "") in WINDOW_BITS


async def _rewritten(content: AsyncIterator[bytes], page: Page) -> AsyncIterator[bytes]:
    async for data in content:
        if changed := page.feed(data):
            yield changed
    if rest := page.end():
        yield rest


async def _copy(
    request: web.BaseRequest, response: web.StreamResponse, content: AsyncIterator[bytes]
) -> web.StreamResponse:
    await response.prepare(request)
    try:
        async for data in content:
            await response.write(data)
    except (aiohttp.ClientError, zlib.error):
        # The backend went away in the middle: a connection that breaks off tells the client that something is missing.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _refusal(status: int, body: bytes) -> ApiError:
    """Return the error a node answers with: its Status, or else what it says."""
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        said = None
    if isinstance(said, dict) and said.get("kind") == "Status":
        return ApiError.from_status(said, status)
    return ApiError.from_status({"message": body.decode(errors="replace").strip()}, status)
