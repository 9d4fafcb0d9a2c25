"""Who is let in, and who is a pod or this node: others get this node's endpoints with externalTrafficPolicy Local."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable
from ipaddress import ip_address, ip_network

from wherry.objects.family import family_of


class Sources:
    """Tells sources inside the cluster, by the CIDRs of its pods, from those outside."""

    def __init__(self, cluster_cidrs: Iterable[str]):
        self._networks = [ip_network(cidr) for cidr in cluster_cidrs]

    def is_inside(self, address: str) -> bool:
        """Return whether an address is a pod's or this node's."""
        plain = _plain(address)
        return any(ip_address(plain) in network for network in self._networks) or is_own(plain)


def is_admitted(address: str, ranges: Collection[str]) -> bool:
    """Return whether source ranges, if there are any, let an address in (pure)."""
    return not ranges or any(ip_address(_plain(address)) in ip_network(cidr) for cidr in ranges)


def is_own(address: str) -> bool:
    """Return whether this machine has an address: it can be bound then."""
    with socket.socket(family_of(address).number, socket.SOCK_DGRAM) as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True


def _plain(address: str) -> str:
    """Return an address without the link that IPv6 may name."""
    return address.partition("%")[0]
