"""A response of another server, read from its bytes into records whose names are whole."""

from __future__ import annotations

import struct
from typing import NamedTuple

from wherry.dns.wire.question import HEADER
from wherry.dns.wire.record import NAMES_IN, OPT, Record

TO_THE_QUESTION = b"\xc0\x0c"
"""A pointer to where the question's name stands."""


class Malformed(ValueError):
    """It is no DNS message."""


class Response(NamedTuple):
    """`question` is its bytes; an OPT record is not among `additional`."""

    flags: int
    rcode: int
    question: bytes
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]


def read(data: bytes) -> Response:
    """Read a response to one question; raises Malformed."""
    try:
        return _read(data)
    except (IndexError, struct.error, ValueError) as error:
        raise Malformed(str(error) or "cut off") from error


def _read(data: bytes) -> Response:
    flags, questions, answers, authorities, additionals = struct.unpack_from("!HHHHH", data, 2)
    if questions > 1 or not flags & 0x8000:
        raise Malformed("no response to one question")
    asked, at = b"", HEADER
    if questions:
        asked, at = name_at(data, at)
        at += 4
    question = data[HEADER:at]
    sections, rcode = [], flags & 0xF
    for count in (answers, authorities, additionals):
        section = []
        for _ in range(count):
            record, at = _record(data, at, asked)
            if record.type == OPT:
                rcode |= record.ttl >> 24 << 4
            else:
                section.append(record)
        sections.append(tuple(section))
    return Response(flags, rcode, question, *sections)


def _record(data: bytes, at: int, asked: bytes) -> tuple[Record, int]:
    """Read a record. Most have the name asked for (`asked`), as a pointer to it, which need not be read again."""
    name, at = (asked, at + 2) if asked and data.startswith(TO_THE_QUESTION, at) else name_at(data, at)
    type, _, ttl, length = struct.unpack_from("!HHIH", data, at)
    start, end = at + 10, at + 10 + length
    if end > len(data):
        raise Malformed("data is cut off")
    rdata = data[start:end]
    if type in NAMES_IN:
        before, count = NAMES_IN[type]
        rdata, place = data[start : start + before], start + before
        for _ in range(count):
            inner, place = name_at(data, place)
            rdata += inner
        if place > end:
            raise Malformed("a name leaves its record")
        rdata += data[place:end]
    ttl = ttl if type == OPT or ttl < 0x80000000 else 0  # RFC 2181 section 8
    return Record(name, type, ttl, rdata), end


def name_at(data: bytes, at: int) -> tuple[bytes, int]:
    """Return the whole name at `at`, and where what follows begins; raises Malformed."""
    found, end, lowest, length = [], 0, at, 0
    while size := data[at]:
        if size >= 0xC0:
            end = end or at + 2
            at = (size & 0x3F) << 8 | data[at + 1]
            if at >= lowest:  # only backwards: no circle, and an end
                raise Malformed("a name points forwards")
            lowest = at
            continue
        if size > 63:
            raise Malformed("a label of an unknown kind")
        label = data[at : at + 1 + size]
        at += 1 + size
        length += 1 + size
        if len(label) != 1 + size or length > 254:
            raise Malformed("a name is too long")
        found.append(label)
    return b"".join(found) + b"\0", end or at + 1
