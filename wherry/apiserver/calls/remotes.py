"""API servers behind this one: which serves a group and version, where it answers, what is known of it.

Which there are is said by APIServices that name a Service. Source: kube-aggregator pkg/apiserver/handler_proxy.go,
pkg/apiserver/apiserver.go.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wherry.apiserver.calls import trust
from wherry.apiserver.calls.services import Services
from wherry.apiserver.kinds.apiregistration.apiservice import AVAILABLE, names_a_version
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, ServiceUnavailable
from wherry.objects.resource import API_SERVICES

HTTPS = 443
MOST_CONTEXTS = 64


class Pair(NamedTuple):
    """The certificate and key with which this server proves to others that it speaks for users."""

    certificate: Path
    key: Path


class Place(NamedTuple):
    """Where a remote server answers: an address, and the TLS by which `server` has to prove its name there."""

    host: str
    port: int
    tls: ssl.SSLContext
    server: str


class Swagger(NamedTuple):
    """A server's part of OpenAPI v2, and the entity tag of the document that it is from."""

    tag: str
    paths: Object
    definitions: Object


class Known(NamedTuple):
    """What a remote server said last: its resources, its OpenAPI v3 document's hash ("": none), its part of v2's."""

    resources: tuple[Object, ...] = ()
    v3_hash: str = ""
    v2: Swagger = Swagger("", {}, {})


class Remotes:
    """The APIServices that name a Service. `pair` is None where this server proves nothing to others."""

    def __init__(self, state: State, services: Services, pair: Pair | None):
        self._state = state
        self._services = services
        self._pair = pair
        self._known: dict[str, Known] = {}
        self._contexts: dict[str | None, ssl.SSLContext] = {}
        self._learnt = 0

    @property
    def generation(self) -> tuple[int, int]:
        """What grows with every change of the set, of their conditions, or of what is known."""
        collection = self._state.find(API_SERVICES)
        return collection.revision if collection else 0, self._learnt

    def of(self, group: str, version: str) -> Object | None:
        """Return the APIService of a group and version that somebody else serves, or None."""
        collection = self._state.find(API_SERVICES)
        found = collection.get(("", f"{version}.{group}")) if collection else None
        return found if found is not None and _is_remote(found) else None

    def __iter__(self) -> Iterator[Object]:
        """Yield every APIService that names a Service; not one, whoever stored it, that names no version."""
        collection = self._state.find(API_SERVICES)
        for one in collection.items() if collection else ():
            if _is_remote(one):
                yield one

    def known(self, name: str) -> Known:
        """Return what is known of the server of an APIService."""
        return self._known.get(name, Known())

    def learn(self, name: str, known: Known | None) -> None:
        """Take note of what the server of an APIService said; None: forget it."""
        if known is None:
            changed = self._known.pop(name, None) is not None
        else:
            changed = self._known.get(name) != known
            self._known[name] = known
        self._learnt += changed

    def place(self, api_service: Object) -> Place:
        """Return where it is answered, whatever its condition says; raises `ServiceUnavailable`."""
        spec, name = api_service["spec"], api_service["metadata"]["name"]
        service = spec["service"]
        try:
            port = service.get("port") or HTTPS
            host, number = self._services.endpoint(service["namespace"], service["name"], port)
            tls = self._context(None if spec.get("insecureSkipTLSVerify") else spec.get("caBundle") or "")
        except (ApiError, ValueError) as error:
            raise unavailable(name, getattr(error, "message", str(error))) from error
        return Place(host, number, tls, f"{service['name']}.{service['namespace']}.svc")

    def available(self, api_service: Object) -> None:
        """Raise `ServiceUnavailable` unless it was found to be available."""
        condition = metadata.condition(api_service, AVAILABLE) or {}
        if condition.get("status") != "True":
            why = condition.get("message") or "nobody has looked yet whether its server answers"
            raise unavailable(api_service["metadata"]["name"], why)

    def _context(self, bundle: str | None) -> ssl.SSLContext:
        """Return the context that trusts a caBundle, or anybody (None); raises `ValueError`."""
        if bundle not in self._contexts:
            context = trust.made(bundle or "")
            if bundle is None:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if self._pair is not None:
                context.load_cert_chain(*self._pair)
            if len(self._contexts) >= MOST_CONTEXTS:
                self._contexts.clear()
            self._contexts[bundle] = context
        return self._contexts[bundle]


def _is_remote(api_service: Object) -> bool:
    return bool(api_service["spec"].get("service")) and names_a_version(api_service)


def unavailable(name: str, why: str) -> ServiceUnavailable:
    """Return the answer about an APIService whose server cannot be asked."""
    return ServiceUnavailable(f"the server of APIService {name} is not available: {why}")
