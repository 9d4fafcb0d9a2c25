"""What the server of an APIService says of itself: its resources, and its part of OpenAPI."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec

from wherry.apiserver.calls import failure
from wherry.apiserver.calls.frontproxy import speaking_for
from wherry.apiserver.calls.remotes import Known, Place, Swagger
from wherry.apiserver.user import AUTHENTICATED, MASTERS, User
from wherry.objects import Object
from wherry.objects.family import bracketed

JSON = "application/json"
SECONDS = 5.0
"""How long one answer may take."""
LARGEST = 32 << 20
"""Bytes of an answer."""
_AGGREGATOR = User("system:kube-aggregator", (MASTERS, AUTHENTICATED))


class NoAnswer(Exception):
    """A server did not answer as it should; the text says why."""


class Asking:
    """Asks servers, one connection for each; belongs to the event loop that uses it first."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def resources(self, place: Place, path: str) -> tuple[Object, ...]:
        """Return the resources listed at `path` (`/apis/GROUP/VERSION`); raises `NoAnswer`."""
        said, _ = await self._get(place, path)
        resources = (said or {}).get("resources") or []
        if said is None or said.get("kind") != "APIResourceList" or not all(_is_resource(r) for r in resources):
            raise NoAnswer("it is no APIResourceList")
        return tuple(resources)

    async def known(self, place: Place, path: str, resources: tuple[Object, ...], old: Known) -> Known:
        """Return what is known of a server; who has no OpenAPI, or not in one of its versions, has none."""
        return Known(resources, await self._v3_hash(place, path), await self._v2(place, path, old.v2))

    async def _v3_hash(self, place: Place, path: str) -> str:
        try:
            said, _ = await self._get(place, "/openapi/v3")
            url = (said or {})["paths"][path.lstrip("/")]["serverRelativeURL"]
            return str(parse_qs(urlsplit(url).query)["hash"][0])
        except (NoAnswer, LookupError, TypeError, AttributeError, ValueError):
            return ""

    async def _v2(self, place: Place, path: str, old: Swagger) -> Swagger:
        try:
            said, tag = await self._get(place, "/openapi/v2", old.tag)
        except NoAnswer:
            return Swagger("", {}, {})
        if said is None:
            return old
        paths, definitions = said.get("paths"), said.get("definitions")
        if not isinstance(paths, dict) or not isinstance(definitions, dict):
            return Swagger("", {}, {})
        own = {key: value for key, value in paths.items() if key == path or key.startswith(f"{path}/")}
        return Swagger(tag, own, definitions)

    async def _get(self, place: Place, path: str, tag: str = "") -> tuple[Object | None, str]:
        """Return a JSON document and its entity tag; None when it is still that of `tag`. Raises `NoAnswer`."""
        authority = f"{bracketed(place.host)}:{place.port}"
        url = f"https://{authority}{path}"
        headers = [*speaking_for(_AGGREGATOR), ("Accept", JSON), *([("If-None-Match", tag)] if tag else [])]
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        request = self._session.get(
            url, headers=headers, ssl=place.tls, server_hostname=place.server, allow_redirects=False
        )
        try:
            async with asyncio.timeout(SECONDS), request as answer:
                if tag and answer.status == HTTPStatus.NOT_MODIFIED:
                    return None, tag
                if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    raise NoAnswer(f"bad status from {url}: {answer.status}")
                return msgspec.json.decode(await _body(answer.content), type=dict), answer.headers.get("ETag", "")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError) as error:
            raise NoAnswer(f'Get "{url}": {failure.reason(error, authority)}') from error


async def _body(content: aiohttp.StreamReader) -> bytes:
    """Return a whole body; raises `ValueError` for one that is too large."""
    data = bytearray()
    async for piece in content.iter_any():
        data += piece
        if len(data) > LARGEST:
            raise ValueError(f"the answer is larger than {LARGEST} bytes")
    return bytes(data)


def _is_resource(said: object) -> bool:
    return isinstance(said, dict) and all(isinstance(said.get(key), str) for key in ("name", "kind"))
