"""Where a request goes on."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from wherry.objects import Object
from wherry.objects.errors import InternalError
from wherry.objects.family import bracketed


@dataclass(frozen=True, slots=True)
class Location:
    """One request to somebody else: `path` with its query is escaped, `tls` None for plain HTTP."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"

    def failure(self, error: Exception) -> str:
        """Return why it could not be reached, in the words clients know from Go."""
        if isinstance(error, TimeoutError):
            return f"dial tcp {self.authority}: i/o timeout"
        cause = getattr(error, "os_error", error)  # where aiohttp keeps what it wraps
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return f"dial tcp {self.authority}: connect: {os.strerror(cause.errno).lower()}"
        return str(error) or type(error).__name__


def node_tls(certificate: Path, key: Path, ca: Path) -> ssl.SSLContext:
    """Return the context for calls to nodes' agents; raises `ssl.SSLError` or `OSError`."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def unverified_tls() -> ssl.SSLContext:
    """Return the context for `https:` proxying to pods, whose certificates nobody here can check.

    Source: kubernetes pkg/controlplane, createNodeDialer's proxy transport (InsecureSkipVerify).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def agent_of(node: Object) -> tuple[str, int]:
    """Return address and port of a node's agent, as its status has them; raises `InternalError`."""
    status = node.get("status") or {}
    addresses = status.get("addresses") or ()
    address = next((a["address"] for a in addresses if a.get("type") == "InternalIP"), None)
    if address is None:
        raise InternalError.of(f"no preferred addresses found; known addresses: {list(addresses)}")
    port = ((status.get("daemonEndpoints") or {}).get("kubeletEndpoint") or {}).get("Port")
    if not port:
        raise InternalError.of(f"node {node['metadata']['name']} does not say at which port it answers")
    return str(address), int(port)
