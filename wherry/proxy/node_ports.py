"""Where node ports are answered, when not on the node's primary addresses (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network


def chosen(there: Iterable[str], cidrs: Iterable[str]) -> tuple[str, ...]:
    """Return, in order, the addresses that lie in one of the CIDRs.

    Loopback and link-local ones never do, as in kube-proxy's nftables mode: an answer would not find its way.
    """
    networks = [ip_network(cidr, strict=False) for cidr in cidrs]
    addresses = [ip_address(address) for address in there]
    usable = [a for a in addresses if not (a.is_loopback or a.is_link_local)]
    found = [a for a in usable if any(a in network for network in networks)]
    return tuple(map(str, sorted(found, key=lambda a: (a.version, a))))
