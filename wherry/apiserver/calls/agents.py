"""Where nodes' agents answer, and how they and this server know each other."""

from __future__ import annotations

import ssl
from pathlib import Path

from wherry.objects import Object
from wherry.objects.errors import InternalError


def node_tls(certificate: Path, key: Path, ca: Path) -> ssl.SSLContext:
    """Return the context for calls to nodes' agents; raises `ssl.SSLError` or `OSError`."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(certificate, key)
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
