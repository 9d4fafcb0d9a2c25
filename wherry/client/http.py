"""The `Client` over HTTP: any conformant API server, reached by JSON through a pool of connections.

Failures of every kind become `wherry.objects.errors`; nothing of aiohttp leaves this module.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from wherry import __version__
from wherry.client import kubeconfig
from wherry.client.credentials import Credentials, tls_context
from wherry.client.discovery import ACCEPT, Discovery, Tagged
from wherry.client.interface import ObjectList, WatchEvent
from wherry.client.kubeconfig import Config
from wherry.net import longlived
from wherry.objects import Object
from wherry.objects.errors import ApiError, InternalError, ServiceUnavailable
from wherry.objects.resource import Resource
from wherry.objects.verbs import PatchType

REQUEST_SECONDS = 60.0
CONNECT_SECONDS = 10.0
WATCH_SECONDS = (300, 600)
"""How long we ask the server to keep a watch open: a random time between, so that watches do not all end together."""
SILENCE_SECONDS = 30.0
"""How much longer than asked for a watch may last before its server counts as dead."""
DISCOVERY_SECONDS = 30.0
"""How often we look whether a server serves something else, as upstream's garbage collector does."""
RETRIES = 4
"""How often a request is repeated that the server puts off with Retry-After."""
LONGEST_RETRY_AFTER_SECONDS = 10.0

PATCH_TYPES = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


def connect(path: str | Path | None = None, context: str | None = None) -> HttpClient:
    """Return a client for a kubeconfig (see `kubeconfig.load`); raises `kubeconfig.ConfigError`."""
    return HttpClient(kubeconfig.load(path, context))


def connect_component(path: str | Path | None = None, context: str | None = None) -> HttpClient:
    """Return a component's client (see `kubeconfig.component`); raises `kubeconfig.ConfigError`."""
    return HttpClient(kubeconfig.component(path, context))


class HttpClient:
    """A `Client` for the server and user of `config`; belongs to the event loop that uses it first."""

    def __init__(self, config: Config):
        self.config = config
        self._base = URL(config.server)
        self._ssl = tls_context(config) if self._base.scheme == "https" else None
        self._credentials = Credentials(config)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    # The contract

    async def get(
        self, resource: Resource, name: str, namespace: str | None = None, *, subresource: str = ""
    ) -> Object:
        """See `Client.get`."""
        return _object(await self.request("GET", resource.path(namespace, name, subresource)))

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        limit: int = 0,
        continue_: str = "",
    ) -> ObjectList:
        """See `Client.list`."""
        params = _selectors(labels, fields)
        if limit:
            params["limit"] = str(limit)
        if continue_:
            params["continue"] = continue_
        body = _object(await self.request("GET", resource.path(namespace), params=params))
        items = body.get("items") or []
        for item in items:  # a typed list's items do not say what they are
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        meta = body.get("metadata") or {}
        return ObjectList(items, meta.get("resourceVersion") or "", meta.get("continue") or "")

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
    ) -> AsyncIterator[WatchEvent]:
        """See `Client.watch`."""
        seconds = random.randint(*WATCH_SECONDS)
        params = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}
        if resource_version:
            params["resourceVersion"] = resource_version
        params |= _selectors(labels, fields)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=seconds + SILENCE_SECONDS)
        try:
            async with self._answer("GET", resource.path(namespace), params=params, timeout=timeout) as answer:
                async for line in longlived.lines(answer.content):
                    yield _event(line)
        except ServiceUnavailable:
            if not self._closed:
                raise

    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, name: str = "", subresource: str = ""
    ) -> Object:
        """See `Client.create`."""
        meta = obj.get("metadata") or {}
        namespace = namespace or meta.get("namespace") or "default"
        if subresource:
            path = resource.path(namespace, name or meta.get("name"), subresource)
            return _object(await self.request("POST", path, body=obj))
        return _object(await self.request("POST", resource.path(namespace), body=_typed(resource, obj)))

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        """See `Client.update`."""
        meta = obj["metadata"]
        path = resource.path(meta.get("namespace") or "default", meta["name"], subresource)
        return _object(await self.request("PUT", path, body=obj if subresource else _typed(resource, obj)))

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str = "",
    ) -> Object:
        """See `Client.patch`."""
        path = resource.path(namespace, name, subresource)
        return _object(await self.request("PATCH", path, body=patch, content_type=PATCH_TYPES[type]))

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
        propagation_policy: str | None = None,
        uid: str | None = None,
    ) -> None:
        """See `Client.delete`."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if propagation_policy is not None:
            options["propagationPolicy"] = propagation_policy
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        await self.request("DELETE", resource.path(namespace, name), body=options)

    async def resources(self) -> AsyncGenerator[Sequence[Resource], None]:
        """See `Client.resources`."""
        discovery, told = Discovery(self._tagged), None
        while not self._closed:
            found = await discovery.resources()
            if found != told:
                yield found
                told = found
            await asyncio.sleep(DISCOVERY_SECONDS)

    async def close(self) -> None:
        """See `Client.close`."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    # Beyond the contract

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Any:
        """Return what any path (`/version`, `/readyz`) answers: its JSON, or its text when it is something else."""
        headers = {"Content-Type": content_type} if body is not None else {}
        data = msgspec.json.encode(body) if body is not None else None
        async with self._answer(method, path, params=params, headers=headers, data=data, timeout=_timeout()) as answer:
            raw = await answer.read()
            if answer.content_type != "application/json":
                return raw.decode(errors="replace")
            return self._decoded(raw)

    def _decoded(self, raw: bytes) -> Any:
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
            raise InternalError(f"{self.config.server} answered JSON that cannot be read: {error}") from error

    async def _tagged(self, path: str, known: Tagged | None) -> Tagged:
        """Return a discovery document; `known` if it is still the one."""
        headers = {"Accept": ACCEPT, **({"If-None-Match": known.tag} if known and known.tag else {})}
        async with self._answer("GET", path, headers=headers, timeout=_timeout()) as answer:
            if answer.status == 304 and known is not None:
                return known
            return Tagged(_object(self._decoded(await answer.read())), answer.headers.get("ETag", ""))

    # The wire

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open one successful answer; what goes wrong before or while it is read is an `ApiError`."""
        try:
            answer = await self._successful(method, path, headers or {}, options)
            try:
                yield answer
            finally:
                answer.close()  # one that was read to its end is back in the pool already
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ServiceUnavailable(f"cannot reach {self.config.server}: {_reason(error)}") from error

    async def _successful(
        self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        for attempt in range(RETRIES + 1):
            answer = await self._send(method, path, headers, options)
            if answer.status < 300 or answer.status == 304:
                return answer
            wait = _retry_after(answer)
            if answer.status == 401:
                self._credentials.rejected()
            if wait is None or attempt == RETRIES:
                break
            answer.close()
            await asyncio.sleep(wait)
        try:
            raise _error(answer.status, answer.reason or "", await answer.read())
        finally:
            answer.close()

    async def _send(
        self, method: str, path: str, headers: dict[str, str], options: dict[str, Any]
    ) -> aiohttp.ClientResponse:
        if self._closed:
            raise ServiceUnavailable("the client is closed")
        if self._session is None:
            self._session = self._new_session()
        sent = [*headers.items(), *await self._credentials.headers()]
        url = self._base.join(URL(self._base.path.rstrip("/") + path))
        return await self._session.request(
            method, url, headers=sent, ssl=self._ssl or True, server_hostname=self.config.tls_server_name, **options
        )

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60, socket_factory=longlived.socket_of),
            headers={"Accept": "application/json", "User-Agent": f"wherry/{__version__}"},
            proxy=self.config.proxy_url,
            trust_env=not _is_loopback(self._base.host or ""),
        )


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)


def _event(line: bytes) -> WatchEvent:
    try:
        event = msgspec.json.decode(line)
        type, obj = event["type"], event["object"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise InternalError(f"the watch sent something that is no event: {error}") from error
    if type == "ERROR":
        raise ApiError.from_status(obj)
    return WatchEvent(type, obj)


def _error(status: int, reason: str, body: bytes) -> ApiError:
    """Return the error of a failed answer: its Status, or what else it says."""
    try:
        decoded = msgspec.json.decode(body)
    except msgspec.DecodeError:
        decoded = None
    if isinstance(decoded, dict) and decoded.get("kind") == "Status":
        return ApiError.from_status(decoded, status)
    text = body[:500].decode(errors="replace").strip()
    return ApiError.from_status({"message": text or f"{status} {reason}"}, status)


def _object(answer: Any) -> Object:
    if not isinstance(answer, dict):
        raise InternalError(f"the server answered no object but: {str(answer)[:200]}")
    return answer


def _typed(resource: Resource, obj: Object) -> Object:
    return {**obj, "apiVersion": resource.api_version, "kind": resource.kind}


def _selectors(labels: str, fields: str) -> dict[str, str]:
    return {name: text for name, text in (("labelSelector", labels), ("fieldSelector", fields)) if text}


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    """Return the seconds the server asks us to wait before trying again, None when it does not."""
    if answer.status != 429 and answer.status < 500:
        return None
    text = answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_RETRY_AFTER_SECONDS) if text.isdecimal() else None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
