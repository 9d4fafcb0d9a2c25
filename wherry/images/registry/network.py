"""Whose network a registry is asked from: the machine's, or a node's for what is in the cluster.

A node agent lives in its node's network, which has no way out; registries are the machine's business, as images are on
any node. So names are looked up and connections made in the machine's network namespace, but for addresses of the
cluster's own networks: a registry that runs in a pod. A socket stays in the namespace it was made in.
"""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from wherry import __version__
from wherry.images.errors import PullError
from wherry.images.registries import Endpoint, Registries
from wherry.net import elsewhere, namespaces
from wherry.objects.family import Network as Range

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""How long a registry may send nothing before it counts as gone."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Vantage:
    """Where one asks from. `machine`: the machine's network namespace, None where one is in it.

    `inside`: the networks that are reached from the network one is in.
    """

    machine: Path | None = None
    inside: Sequence[Range] = ()

    def outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in the machine's network. Blocks."""
        return function(*args) if self.machine is None else namespaces.run(self.machine, function, *args)

    def connect_from(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket for an address (getaddrinfo's), in the network that has it."""
        family, kind, protocol, _, address = info
        make = partial(socket.socket, family, kind, protocol)
        return make() if self._is_inside(str(address[0])) else self.outside(make)

    def _is_inside(self, text: str) -> bool:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        return any(address in one for one in self.inside if one.version == address.version)

    def session(self) -> aiohttp.ClientSession:
        """Return a session that asks from here."""
        connector = aiohttp.TCPConnector(
            resolver=elsewhere.Resolver(self.outside), socket_factory=self.connect_from, use_dns_cache=False, limit=0
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        headers = {"User-Agent": f"wherry/{__version__}", "Accept-Encoding": "identity"}
        return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers, auto_decompress=False)


def tls_of(endpoint: Endpoint) -> ssl.SSLContext:
    """Return how an endpoint is known. Raises PullError for files that cannot be used. Blocks."""
    try:
        context = ssl.create_default_context(cafile=endpoint.tls.ca_file or None)
        if endpoint.tls.cert_file:
            context.load_cert_chain(endpoint.tls.cert_file, endpoint.tls.key_file or None)
    except OSError as error:  # an SSLError too
        raise PullError(f"--registries: tls of {endpoint.host}: {error}") from error
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def proxy_for(url: URL, registries: Registries) -> str | None:
    """Return the proxy that the environment (HTTPS_PROXY, NO_PROXY) has for an address; none for what is near."""
    host = url.host or ""
    if registries.is_near(host) or urllib.request.proxy_bypass(f"{host}:{url.port}"):
        return None
    return urllib.request.getproxies().get(url.scheme)
