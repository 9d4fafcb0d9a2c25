"""What chains are called: as kube-proxy's, so that people and tools find what they look for (pure).

Source: kubernetes pkg/proxy/iptables/proxier.go (portProtoHash, servicePortChainName, …).
"""

from __future__ import annotations

from base64 import b32encode
from hashlib import sha256

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.service import ServicePortName

NAT, FILTER = "nat", "filter"
SERVICES = "KUBE-SERVICES"
NODE_PORTS = "KUBE-NODEPORTS"
EXTERNAL = "KUBE-EXTERNAL-SERVICES"
FIREWALL = "KUBE-PROXY-FIREWALL"
POSTROUTING = "KUBE-POSTROUTING"
FORWARD = "KUBE-FORWARD"
MARK_MASQUERADE = "KUBE-MARK-MASQ"
MARK_OFF_CLUSTER = "KUBE-MARK-MASQ-OFF-CLUSTER"

PREFIXES = ("KUBE-SVC-", "KUBE-SVL-", "KUBE-SEP-", "KUBE-EXT-", "KUBE-FW-")
"""Of chains that belong to a service port; those that no Service needs any more are deleted."""


def service_chain(owner: ServicePortName, protocol: str, *, local: bool) -> str:
    """Return the chain that spreads connections over the endpoints of a policy."""
    return f"KUBE-{'SVL' if local else 'SVC'}-{_hash(owner, protocol)}"


def external_chain(owner: ServicePortName, protocol: str) -> str:
    """Return the chain of what comes to an address that is not the cluster IP."""
    return f"KUBE-EXT-{_hash(owner, protocol)}"


def firewall_chain(owner: ServicePortName, protocol: str) -> str:
    """Return the chain that lets a load balancer's source ranges in."""
    return f"KUBE-FW-{_hash(owner, protocol)}"


def endpoint_chain(owner: ServicePortName, protocol: str, endpoint: Endpoint) -> str:
    """Return the chain that sends connections to one endpoint."""
    return f"KUBE-SEP-{_hash(owner, protocol, endpoint.target)}"


def _hash(owner: ServicePortName, protocol: str, more: str = "") -> str:
    return b32encode(sha256(f"{owner}{protocol.lower()}{more}".encode()).digest()).decode()[:16]
