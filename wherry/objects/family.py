"""An IP family, with everything that differs between the two: whoever handles addresses takes it as a parameter.

A member is its name in the API (`spec.ipFamilies`, a slice's `addressType`), so it compares equal to that text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """IPv4 or IPv6."""

    V4 = "IPv4"
    V6 = "IPv6"

    @property
    def other(self) -> Family:
        """The other of the two."""
        return Family.V6 if self is Family.V4 else Family.V4

    @property
    def bits(self) -> int:
        """How long an address is, which is the prefix length of a network of one."""
        return 32 if self is Family.V4 else 128

    @property
    def number(self) -> int:
        """Linux' number of it: AF_INET, AF_INET6 (linux/socket.h)."""
        return 2 if self is Family.V4 else 10

    @property
    def nft(self) -> str:
        """What nft calls its tables and its header: ip, ip6 (nft(8))."""
        return "ip" if self is Family.V4 else "ip6"

    @property
    def nft_address(self) -> str:
        """Nft's type of an address."""
        return "ipv4_addr" if self is Family.V4 else "ipv6_addr"

    @property
    def icmp(self) -> str:
        """What nft calls its ICMP."""
        return "icmp" if self is Family.V4 else "icmpv6"

    @property
    def conntrack(self) -> str:
        """What conntrack(8) calls it."""
        return "ipv4" if self is Family.V4 else "ipv6"

    @property
    def any(self) -> str:
        """The address that stands for every address of this machine."""
        return "0.0.0.0" if self is Family.V4 else "::"

    @property
    def everywhere(self) -> str:
        """The network of all addresses."""
        return f"{self.any}/0"

    @property
    def loopback(self) -> str:
        """The address by which a machine reaches itself."""
        return "127.0.0.1" if self is Family.V4 else "::1"

    @property
    def loopbacks(self) -> str:
        """The network of those addresses."""
        return "127.0.0.0/8" if self is Family.V4 else "::1/128"

    def alone(self, address: str) -> str:
        """Return the network that holds just this address."""
        return f"{address}/{self.bits}"


def family_of(address: str) -> Family:
    """Return the family of an address or network in text; it need not be well-formed."""
    return Family.V6 if ":" in address else Family.V4


def network_family(network: Network) -> Family:
    """Return a network's family."""
    return Family.V4 if network.version == 4 else Family.V6


_leading_zeros = re.compile(r"\b0+(?=\d)")


def parsed(address: str) -> Address | None:
    """Return the address that a text means, None where it means none.

    Leading zeros count for nothing, where C libraries read octal numbers, and IPv4 in an IPv6 address is IPv4: so
    everybody reads what older servers let in. Source: k8s.io/utils net/parse.go (ParseIPSloppy), Go's net.IP.To4.
    """
    try:
        found = ip_address(address if ":" in address else _leading_zeros.sub("", address))
    except ValueError:
        return None
    if isinstance(found, IPv4Address):
        return found
    return found.ipv4_mapped or (found if found.scope_id is None else None)


def canonical(address: str) -> str:
    """Return an address as the kernel prints it: IPv6 has many spellings (RFC 5952). What is no address stays."""
    return str(parsed(address) or address)


def usable(addresses: Iterable[str | None]) -> list[str]:
    """Return what is an address, canonical; whatever else stands there is left out."""
    return [str(found) for address in addresses if address and (found := parsed(address)) is not None]


def serves(address: str) -> bool:
    """Return whether traffic can be sent to an address from elsewhere, so that it may be an endpoint's or a Service's.

    Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateEndpointIP).
    """
    return (found := parsed(address)) is not None and is_served(found)


def is_served(address: Address) -> bool:
    """Return the same of an address that is known to be one."""
    if address.is_unspecified or address.is_loopback or address.is_link_local:
        return False
    return not any(address in network for network in _LOCAL_MULTICAST)


def reachable(addresses: Iterable[str | None]) -> list[str]:
    """Return what is an address that `serves`, canonical: who took another for a Service's would take his own."""
    found = (parsed(address) for address in addresses if address)
    return [str(address) for address in found if address is not None and is_served(address)]


_LOCAL_MULTICAST = (ip_network("224.0.0.0/24"), ip_network("ff02::/16"))


def parsed_network(cidr: str) -> Network | None:
    """Return the network that a text means, without the bits beyond its prefix; None where it means none."""
    try:
        return ip_network(cidr if ":" in cidr else _leading_zeros.sub("", cidr), strict=False) if "/" in cidr else None
    except ValueError:
        return None


def network(cidr: str) -> Network:
    """Return a network from its text; raises ValueError, also where bits are set beyond the prefix."""
    return ip_network(cidr)


def bracketed(address: str) -> str:
    """Return an address as a URL or `host:port` has it: IPv6 in brackets (RFC 3986)."""
    return f"[{address}]" if ":" in address else address
