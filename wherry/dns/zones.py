"""Zones as a Corefile names them: domain names, or CIDRs, which stand for the reverse zones that cover them."""

from __future__ import annotations

from ipaddress import ip_network

import dns.exception
import dns.name

from wherry.dns.errors import CorefileError


def names(text: str) -> list[dns.name.Name]:
    """Return the zones `text` stands for, lower-case; raises CorefileError.

    10.96.0.0/12 is the sixteen zones from 96.10.in-addr.arpa. to 111.10.in-addr.arpa. (CoreDNS plugin/normalize.go).
    """
    if "/" in text:
        return [name(zone) for zone in _reverse(text)]
    return [name(text)]


def name(text: str) -> dns.name.Name:
    """Return one domain name, absolute and lower-case; raises CorefileError."""
    try:
        return dns.name.from_text(text).canonicalize()
    except (dns.exception.DNSException, UnicodeError) as error:
        raise CorefileError(f"{text} is not a zone: {error}") from error


def _reverse(cidr: str) -> list[str]:
    try:
        network = ip_network(cidr, strict=False)
    except ValueError as error:
        raise CorefileError(f"{cidr} is neither a zone nor a CIDR") from error
    bits = 8 if network.version == 4 else 4
    length = max(bits, -(-network.prefixlen // bits) * bits)
    skipped = (network.max_prefixlen - length) // bits
    return [
        ".".join(part.network_address.reverse_pointer.split(".")[skipped:])
        for part in network.subnets(new_prefix=length)
    ]
