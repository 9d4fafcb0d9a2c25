"""A resource record with its data as bytes, uncompressed (RFC 1035 section 3.2.1, RFC 3597)."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41
ANY, AXFR, IXFR, TSIG = 255, 252, 251, 250
IN, CH, ANY_CLASS = 1, 3, 255

NAMES_IN: dict[int, tuple[int, int]] = {
    NS: (0, 1), 3: (0, 1), 4: (0, 1), CNAME: (0, 1), SOA: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), PTR: (0, 1),
    14: (0, 2), MX: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 26: (2, 2), SRV: (6, 1), 36: (2, 1), 39: (0, 1),
}  # fmt: skip
"""By type: how many bytes precede the names in its data, and how many names there are (RFC 3597 section 4)."""
COMPRESSED = frozenset((NS, CNAME, SOA, PTR, MX))
"""Types whose names we compress. Those of SRV never are (RFC 2782)."""


class Record(NamedTuple):
    """`name` and the names in `data` are whole, as the wire has them; `ttl` is in seconds."""

    name: bytes
    type: int
    ttl: int
    data: bytes


def type_text(type: int) -> str:
    """Return a type as text."""
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(type))


def address(name: bytes, ttl: int, ip: str) -> Record:
    """Return the A or AAAA record of an address."""
    packed = ip_address(ip).packed
    return Record(name, A if len(packed) == 4 else AAAA, ttl, packed)


def soa(zone: bytes, ttl: int, serial: int) -> Record:
    """Return a zone's SOA. Nobody transfers it: its times are CoreDNS's, its minimum is `ttl` (RFC 2308)."""
    times = struct.pack("!IIIII", serial & 0xFFFFFFFF, 7200, 1800, 86400, ttl)
    return Record(zone, SOA, ttl, b"\2ns\3dns" + zone + b"\x0ahostmaster" + zone + times)


def with_names(record: Record, change: Callable[[bytes], bytes]) -> bytes:
    """Return the data of a record of one of `NAMES_IN` with each name in it changed."""
    before, count = NAMES_IN[record.type]
    data, at = record.data[:before], before
    for _ in range(count):
        end = at
        while record.data[end]:
            end += 1 + record.data[end]
        data += change(record.data[at : end + 1])
        at = end + 1
    return data + record.data[at:]


LINE = re.compile(
    r"(?P<name>\S+)(?P<middle>(?:\s+(?:\d+|IN|CH|HS|ANY))*)\s+(?P<type>[A-Z0-9]+)\s+(?P<data>.+)", re.DOTALL
)
DEFAULT_TTL = 3600


def of_text(line: str) -> Record:
    """Return the record of a line `NAME [TTL] [CLASS] TYPE DATA`; raises ValueError."""
    found = LINE.fullmatch(line.strip())
    if not found:
        raise ValueError(f"{line!r} is no record")
    ttl = next((int(word) for word in found["middle"].split() if word.isdigit()), DEFAULT_TTL)
    try:
        name = dns.name.from_text(found["name"]).to_wire() or b"\0"
        data = dns.rdata.from_text("IN", found["type"], found["data"])
        return Record(name, int(data.rdtype), ttl, data.to_wire() or b"")
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{line!r} is no record: {error}") from error


def of_set(found: dns.rrset.RRset) -> list[Record]:
    """Return dnspython's record set as records."""
    name, ttl = found.name.to_wire() or b"\0", found.ttl
    return [Record(name, int(found.rdtype), ttl, data.to_wire() or b"") for data in found]


def data_text(record: Record) -> str:
    """Return a record's data as text."""
    parsed = dns.rdata.from_wire("IN", type_text(record.type), record.data, 0, len(record.data))
    return parsed.to_text()
