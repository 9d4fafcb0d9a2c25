"""A query, read from its bytes. What is plain is read here; anything odd goes through dnspython, which is strict."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

import dns.exception
import dns.message

from wherry.dns.wire.record import IN, OPT, TSIG

HEADER = 12  # bytes
QR, OPCODE, AA, TC, RD, RA, AD, CD = 0x8000, 0x7800, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
DO = 0x8000
FORMERR, NOTIMP, REFUSED, NOTAUTH, BADVERS = 1, 4, 5, 9, 16
SMALLEST_UDP = 512
LARGEST_UDP = 4096
LARGEST_TCP = 65535


class Edns(NamedTuple):
    """What an OPT record says (RFC 6891): the largest datagram the asker takes, in bytes, and its DO bit."""

    payload: int
    dnssec: bool


class Question(NamedTuple):
    """`name` is lower-case; `raw` is the question's own bytes, so that an answer has the asker's letters."""

    flags: int
    name: bytes
    type: int
    cls: int
    raw: bytes
    edns: Edns | None


class Unanswerable(Exception):
    """A query that gets the code `rcode` (`reply` says it), or no answer at all."""

    def __init__(self, reply: bytes | None):
        super().__init__()
        self.reply = reply


def read(data: bytes) -> Question:
    """Read a query; raises Unanswerable."""
    if len(data) < HEADER or data[2] & 0x80:
        raise Unanswerable(None)
    flags, questions, answers, authorities, additionals = struct.unpack_from("!HHHHH", data, 2)
    if flags & OPCODE:
        raise Unanswerable(bare(data, NOTIMP))
    try:
        if questions != 1:
            raise ValueError
        end = _end_of_name(data)
        type, cls = struct.unpack_from("!HH", data, end)
        found = Question(flags, data[HEADER:end].lower(), type, cls, data[HEADER : end + 4], None)
        if answers or authorities or additionals:
            found = found._replace(edns=_edns(data, end + 4, answers + authorities, additionals))
        elif len(data) != end + 4:
            raise ValueError
    except (ValueError, IndexError, struct.error) as error:
        raise Unanswerable(bare(data, FORMERR)) from error
    return found


def _end_of_name(data: bytes) -> int:
    at = HEADER
    while length := data[at]:
        if length > 63:
            raise ValueError
        at += 1 + length
    if at + 1 - HEADER > 255:
        raise ValueError
    return at + 1


def _edns(data: bytes, at: int, others: int, additionals: int) -> Edns | None:
    """Read what comes after the question: as a rule one OPT record and nothing else."""
    if others or additionals != 1 or data[at] or data[at + 1 : at + 3] != b"\0\x29":
        return _odd(data)
    payload, _, version, flags, length = struct.unpack_from("!HBBHH", data, at + 3)
    end = at + 11 + length
    if end != len(data):
        raise ValueError
    option = at + 11
    while option < end:
        option += 4 + int(struct.unpack_from("!HH", data, option)[1])
    if option != end:
        raise ValueError
    if version:
        raise Unanswerable(_bad_version(data, at))
    return Edns(payload, bool(flags & DO))


def _odd(data: bytes) -> Edns | None:
    try:
        message = dns.message.from_wire(data, continue_on_error=False)
    except dns.message.UnknownTSIGKey as error:
        raise Unanswerable(bare(data, NOTAUTH)) from error
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError from error
    if message.had_tsig or any(s.rdtype in (OPT, TSIG) for s in message.additional):
        raise Unanswerable(bare(data, NOTAUTH))
    if message.edns > 0:
        raise Unanswerable(bare(data, FORMERR))
    return Edns(message.payload, bool(message.ednsflags & DO)) if message.edns == 0 else None


def _bad_version(data: bytes, end: int) -> bytes:
    head = struct.pack("!HHHHH", QR | (_flags(data) & RD), 1, 0, 0, 1)
    opt = struct.pack("!BHHBBHH", 0, OPT, LARGEST_UDP, BADVERS >> 4, 0, 0, 0)
    return data[:2] + head + data[HEADER:end] + opt


def _flags(data: bytes) -> int:
    return data[2] << 8 | data[3]


def bare(data: bytes, rcode: int) -> bytes:
    """Return an answer without a question, made from a query's header alone (RFC 1035 section 4.1.1)."""
    return data[:2] + struct.pack("!H", QR | (_flags(data) & (OPCODE | RD)) | rcode) + bytes(8)


def limit(question: Question, transport: str) -> int:
    """Return how many bytes the asker takes: over UDP what its EDNS says (RFC 6891), else 512."""
    if transport != "udp":
        return LARGEST_TCP
    return min(max(question.edns.payload, SMALLEST_UDP), LARGEST_UDP) if question.edns else SMALLEST_UDP


def write(id: bytes, name: bytes, type: int, cls: int = IN, *, flags: int = RD, edns: Edns | None = None) -> bytes:
    """Return a query; `id` is two bytes."""
    head = id + struct.pack("!HHHHH", flags, 1, 0, 0, 1 if edns else 0) + name + struct.pack("!HH", type, cls)
    return head + opt(edns) if edns else head


@lru_cache(maxsize=256)
def opt(edns: Edns, options: bytes = b"", extended_rcode: int = 0) -> bytes:
    """Return an OPT record."""
    flags = DO if edns.dnssec else 0
    return struct.pack("!BHHBBHH", 0, OPT, edns.payload, extended_rcode, 0, flags, len(options)) + options
