"""One repository at one endpoint: its manifests and blobs, and who asks for them."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from wherry.images import manifest as manifests
from wherry.images.credentials import Credential
from wherry.images.errors import ContentError, RegistryError
from wherry.images.registries import Endpoint, Registries
from wherry.images.registry import challenge
from wherry.images.registry.challenge import Challenge
from wherry.images.registry.network import proxy_for, tls_of
from wherry.images.registry.refusal import refusal

LARGEST_REFUSAL = 64 << 10
CLIENT_ID = "wherry"


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or an index as it came, and what its bytes hash to."""

    data: bytes
    media_type: str
    digest: str


class _Token(msgspec.Struct):
    token: str | None = ""
    access_token: str | None = ""


class Repository:
    """Asks an endpoint as the first of `credentials` that it lets in; without any, as nobody.

    `used`: who it was that was let in, None for nobody. Every method raises RegistryError with the registry's reason.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        registries: Registries,
        endpoint: Endpoint,
        credentials: Sequence[Credential] = (),
    ):
        self.endpoint = endpoint
        self.used: Credential | None = None
        self._session = session
        self._registries = registries
        self._left = list(credentials)
        self._authorization = ""
        self._tls: ssl.SSLContext | None = None

    async def digest(self, wanted: str) -> str:
        """Return the digest of what a tag (or a digest) stands for now, "" where the registry does not say."""
        async with self._ask("HEAD", f"manifests/{wanted}", {"Accept": ", ".join(manifests.ACCEPTED)}) as answer:
            return answer.headers.get("Docker-Content-Digest", "")

    async def document(self, wanted: str) -> Document:
        """Return the manifest or the index of a tag or a digest; of a digest, what it stands for or ContentError."""
        async with self._ask("GET", f"manifests/{wanted}", {"Accept": ", ".join(manifests.ACCEPTED)}) as answer:
            data = await _read(answer, manifests.LARGEST_DOCUMENT)
            document = Document(data, answer.content_type, manifests.digest_of(data))
        if ":" in wanted and document.digest != wanted:
            raise ContentError(
                f"{self.endpoint.base}/manifests/{wanted} is {document.digest}: it is not what was asked for"
            )
        return document

    @asynccontextmanager
    async def blob(self, digest: str, start: int = 0) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask for a blob from byte `start` on; an answer of 200 has all of it, one of 206 the rest."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        async with self._ask("GET", f"blobs/{digest}", headers) as answer:
            yield answer

    @asynccontextmanager
    async def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        url = f"{self.endpoint.base}/{path}"
        while True:
            said = {"Authorization": self._authorization} if self._authorization else {}
            async with self._send(method, url, headers={**headers, **said}) as answer:
                if answer.status < 400:
                    yield answer
                    return
                body = await _read(answer, LARGEST_REFUSAL, cut=True)
                error = refusal(answer.status, body, method, url)
                challenges = challenge.parse(answer.headers.getall("WWW-Authenticate", []))
            if not await self._authorize(answer.status, challenges):
                raise error

    @asynccontextmanager
    async def _send(self, method: str, url: str, **words: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        address = URL(url, encoded=True)
        if self._tls is None:
            self._tls = await asyncio.to_thread(tls_of, self.endpoint)
        proxy = proxy_for(address, self._registries)
        try:
            async with self._session.request(method, address, ssl=self._tls, proxy=proxy, **words) as answer:
                yield answer
        except TimeoutError as error:
            raise RegistryError(f"{method} {url}: the registry does not answer") from error
        except aiohttp.ClientError as error:
            raise RegistryError(f"{method} {url}: {_told(error)}") from error
        except OSError as error:
            raise RegistryError(f"{method} {url}: {error.strerror or error}") from error

    async def _authorize(self, status: int, challenges: Sequence[Challenge]) -> bool:
        """Say who we are, or who else we are; False when there is nobody left to be.

        A first 401 only asks. A later one, or 403, refuses who was named.
        """
        refused = bool(self._authorization) or status != 401
        if status not in (401, 403) or (refused and not self._left):
            return False
        if not challenges and not self._left:
            return False
        self.used = self._left.pop(0) if self._left else None
        ways = {one.scheme: one for one in challenges}
        if "bearer" in ways:
            self._authorization = f"Bearer {await self._any_token(ways['bearer'].parameters)}"
        elif self.used is not None:
            self._authorization = _basic(self.used)
        else:
            return False
        return True

    async def _any_token(self, asked: Mapping[str, str]) -> str:
        """Return the first token that is given to one of those who may ask."""
        while True:
            try:
                return await self._token(asked)
            except RegistryError as error:
                if error.status not in (401, 403) or not self._left:
                    raise
            self.used = self._left.pop(0)

    async def _token(self, asked: Mapping[str, str]) -> str:
        realm = self._realm(asked.get("realm", ""))
        scope = asked.get("scope") or f"repository:{self.endpoint.repository}:pull"
        words = {"service": asked.get("service", ""), "scope": scope}
        if self.used is not None and self.used.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": self.used.identity_token, "client_id": CLIENT_ID}
            request = self._send("POST", realm, data={**form, **words})
        else:
            who = {"Authorization": _basic(self.used)} if self.used is not None else {}
            request = self._send("GET", str(URL(realm, encoded=True).update_query(words)), headers=who)
        async with request as answer:
            body = await _read(answer, LARGEST_REFUSAL, cut=True)
            if answer.status >= 400:
                raise refusal(answer.status, body, "failed to authorize:", realm)
        try:
            given = msgspec.json.decode(body, type=_Token)
        except msgspec.DecodeError as error:
            raise RegistryError(f"failed to authorize: {realm} answers what is no token") from error
        return given.token or given.access_token or ""

    def _realm(self, realm: str) -> str:
        """Return where tokens are given; passwords that came over TLS do not leave it."""
        scheme = realm.partition("://")[0]
        if scheme not in ("http", "https") or (scheme == "http" and self.endpoint.scheme == "https"):
            raise RegistryError(f"failed to authorize: {self.endpoint.host} sends to {realm[:200]!r} for a token")
        return realm


def _basic(credential: Credential) -> str:
    return "Basic " + base64.b64encode(f"{credential.user}:{credential.password}".encode()).decode()


async def _read(answer: aiohttp.ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    """Read an answer of at most `limit` bytes; of a longer one the beginning with `cut`, else RegistryError."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > limit:
            if cut:
                break
            raise RegistryError(f"{answer.url}: the answer is larger than {limit >> 20} MiB")
    return bytes(data[:limit])


def _told(error: aiohttp.ClientError) -> str:
    """Return what went wrong in few words: a system's error by its name."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no such host: {error.os_error.strerror or error.os_error}"
    inner = getattr(error, "os_error", None)
    if isinstance(inner, OSError) and inner.errno and not isinstance(error, aiohttp.ClientSSLError):
        return f"connect: {os.strerror(inner.errno).lower()}"
    return " ".join(str(error).split())[:300] or type(error).__name__
