"""A response as the bytes its transport takes."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.rrset

SMALLEST_UDP = 512
LARGEST_UDP = 4096
LARGEST_TCP = 65535


def limit(query: dns.message.Message, transport: str) -> int:
    """Return how many bytes the asker takes: over UDP what its EDNS says (RFC 6891), else 512."""
    if transport == "tcp":
        return LARGEST_TCP
    return min(max(query.payload, SMALLEST_UDP), LARGEST_UDP) if query.edns >= 0 else SMALLEST_UDP


def fit(response: dns.message.Message, size: int) -> bytes:
    """Return a response in at most `size` bytes; changes `response` if it must be cut.

    The additional section goes first: it is a courtesy. Then as many records as fit stay, and TC tells of the others:
    some resolvers never ask again over TCP (musl before 1.2.4), and an address is better than none.
    """
    try:
        return response.to_wire(max_size=size)
    except dns.exception.TooBig:
        response.additional = []
    try:
        return response.to_wire(max_size=size)
    except dns.exception.TooBig:
        return _cut(response, size)


def _cut(response: dns.message.Message, size: int) -> bytes:
    answer = response.answer
    response.flags |= dns.flags.TC
    response.authority = []
    response.answer = []
    fits, most = 0, sum(map(len, answer)) - 1
    best = response.to_wire(max_size=size)
    while fits < most:
        count = (fits + most + 1) // 2
        response.answer = _first(answer, count)
        try:
            best = response.to_wire(max_size=size)
            fits = count
        except dns.exception.TooBig:
            most = count - 1
    return best


def _first(rrsets: list[dns.rrset.RRset], count: int) -> list[dns.rrset.RRset]:
    """Return the first `count` records."""
    found = []
    for rrset in rrsets:
        if count <= 0:
            break
        found.append(dns.rrset.from_rdata_list(rrset.name, rrset.ttl, list(rrset)[:count]))
        count -= len(rrset)
    return found
