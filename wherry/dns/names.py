"""Domain names as the wire has them (RFC 1035 section 3.1), lower-case: the keys of every table of names.

`b"\\3www\\7example\\3org\\0"` is www.example.org. A length is at most 63, below any letter, so `bytes.lower` makes a
name lower-case without taking it apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

import dns.exception
import dns.name
import dns.reversename

from wherry.dns.errors import CorefileError

ROOT = b"\0"
LONGEST = 255  # bytes of a name, RFC 1035 section 2.3.4


def of_text(text: str) -> bytes:
    """Return the name a text stands for, absolute and lower-case; raises CorefileError."""
    try:
        return dns.name.from_text(text).canonicalize().to_wire() or ROOT
    except (dns.exception.DNSException, UnicodeError) as error:
        raise CorefileError(f"{text} is not a name: {error}") from error


def text(name: bytes) -> str:
    """Return a name as people write it, with its final dot."""
    return dns.name.from_wire(name, 0)[0].to_text()


def labels(name: bytes) -> list[bytes]:
    """Return a name's labels, without the root's."""
    found, at = [], 0
    while length := name[at]:
        found.append(name[at + 1 : at + 1 + length])
        at += 1 + length
    return found


def suffixes(name: bytes) -> tuple[bytes, ...]:
    """Return a name and every name above it, the root last: a name is below a zone that is one of them."""
    found, at = [name], 0
    while length := name[at]:
        at += 1 + length
        found.append(name[at:])
    return tuple(found)


def join(parts: Iterable[bytes | str], zone: bytes = ROOT) -> bytes:
    """Return the name of `parts` below `zone`; raises ValueError for labels or names that are too long."""
    encoded = [p if isinstance(p, bytes) else p.encode() for p in parts]
    if any(not 0 < len(label) < 64 for label in encoded):
        raise ValueError("a label has 1 to 63 bytes")
    name = b"".join(bytes((len(label),)) + label for label in encoded) + zone
    if len(name) > LONGEST:
        raise ValueError(f"a name has at most {LONGEST} bytes")
    return name


def below(name: bytes, zones: Iterable[bytes]) -> bool:
    """Whether a name is one of `zones` or below one."""
    above = suffixes(name)
    return any(zone in above for zone in zones)


def zones(text: str) -> list[bytes]:
    """Return the zones a word of the Corefile stands for; raises CorefileError.

    10.96.0.0/12 is the sixteen zones from 96.10.in-addr.arpa. to 111.10.in-addr.arpa. (CoreDNS plugin/normalize.go).
    """
    return [of_text(zone) for zone in _reverse(text)] if "/" in text else [of_text(text)]


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


REVERSE = (of_text("in-addr.arpa."), of_text("ip6.arpa."))


def is_reverse(zone: bytes) -> bool:
    """Whether a zone is for addresses."""
    return below(zone, REVERSE)


def reverse(address: str) -> bytes:
    """Return the name an address has under in-addr.arpa or ip6.arpa."""
    return of_text(ip_address(address).reverse_pointer)


def address(name: bytes) -> str:
    """Return the address a reverse name is for, "" if it is for none."""
    try:
        return dns.reversename.to_address(dns.name.from_wire(name, 0)[0])
    except (dns.exception.DNSException, ValueError):
        return ""
