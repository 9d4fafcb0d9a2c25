"""One POST to a webhook, which is reached by URL or by a Service of the cluster.

Source: apiserver pkg/util/webhook/client.go; client-go rest/request.go (the texts of failures).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from wherry.apiserver.calls import failure
from wherry.apiserver.calls.services import Services
from wherry.apiserver.calls.trust import trusting
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.family import bracketed

LARGEST_ANSWER = 8 << 20
"""Bytes of an answer: more than the largest object and a patch that replaces it."""
_SHOWN = 1024


class CallFailed(Exception):
    """A webhook could not be asked, or what it said is no answer; the text tells why."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a webhook is asked: `address` is what is connected to, `host` the one it is called by."""

    address: URL
    host: str
    server: str | None = None


class Webhooks:
    """Asks webhooks; belongs to the event loop that uses it first. Connections are kept for the next call."""

    def __init__(self, services: Services):
        self._services = services
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def post(self, config: Object, body: bytes, seconds: float) -> bytes:
        """Return the answer to the JSON `body` of what a `clientConfig` names; raises `CallFailed`.

        It gets `seconds` in all, and is told so.
        """
        where = f"{_url(config)}?timeout={seconds:g}s"
        place = self._place(config, where)
        try:
            tls = trusting(config.get("caBundle") or "")
            async with asyncio.timeout(seconds):
                try:
                    return await self._answer(place, body, tls)
                except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                    return await self._answer(place, body, tls)  # a kept connection ended just when it was used again
        except TimeoutError as error:
            raise CallFailed(f'Post "{where}": context deadline exceeded') from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            authority = f"{bracketed(place.address.host or '')}:{place.address.port}"
            raise CallFailed(f'Post "{where}": {failure.reason(error, authority)}') from error

    def _place(self, config: Object, url: str) -> _Place:
        try:
            address, called = URL(url), urlsplit(url).netloc
            service = _service(config)
            if service is None:
                return _Place(address, called)
            port = service.get("port") or 443
            host, number = self._services.endpoint(service["namespace"], service["name"], port)
            return _Place(address.with_host(host).with_port(number), called, address.host)
        except ApiError as error:
            raise CallFailed(f'Post "{url}": {error.message}') from error
        except ValueError as error:
            raise CallFailed(f'Post "{url}": {error}') from error

    async def _answer(self, place: _Place, body: bytes, tls: ssl.SSLContext) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Host": place.host}
        request = self._session.post(
            place.address, data=body, headers=headers, ssl=tls, server_hostname=place.server, allow_redirects=False
        )
        async with request as answer:
            most = LARGEST_ANSWER if answer.status == HTTPStatus.OK else _SHOWN
            said = bytearray()
            while len(said) <= most and (piece := await answer.content.read(most + 1 - len(said))):
                said += piece
        if answer.status != HTTPStatus.OK:
            raise CallFailed(_refusal(answer.status, bytes(said[:_SHOWN])))
        if len(said) > LARGEST_ANSWER:
            raise CallFailed(f"the answer is larger than {LARGEST_ANSWER} bytes")
        return bytes(said)


def _url(config: Object) -> str:
    """Return its URL, or that of its Service's name; raises `CallFailed` where it has none."""
    if service := _service(config):
        path = "/" + (service.get("path") or "").lstrip("/")
        return f"https://{service['name']}.{service['namespace']}.svc:{service.get('port') or 443}{path}"
    if url := config.get("url"):
        return str(url)
    raise CallFailed("its clientConfig names neither a URL nor a Service")


def _service(config: Object) -> Object | None:
    service = config.get("service") or {}
    return service if service.get("name") and service.get("namespace") else None


def _refusal(status: int, said: bytes) -> str:
    """Return what client-go makes of an answer that is no success."""
    if status == HTTPStatus.NOT_FOUND:
        return "the server could not find the requested resource"
    text = said.decode(errors="replace").strip() or "unknown"
    return f'an error on the server ("{text}") has prevented the request from succeeding'
