"""A response of ours as bytes, in pieces that may change places.

A name points only into the question and into the aliases that precede everything else, which stay where they are. So
the other records may be moved, and left out, without looking into them: an answer is rotated by moving bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from wherry.dns.wire.question import AA, AD, CD, HEADER, LARGEST_UDP, QR, RA, RD, TC, Edns, Question, opt
from wherry.dns.wire.record import CNAME, COMPRESSED, IN, Record, with_names

FARTHEST = 0x4000  # a pointer has 14 bits


class Pieces(NamedTuple):
    """A response without its id: `head` (header, question, aliases), the answer's other records, `tail` (the rest).

    Any `fits` records that follow one another may be sent: they fit.
    """

    head: bytes
    records: tuple[bytes, ...]
    fits: int
    tail: bytes

    def whole(self) -> bytes:
        """Return the response in the order given."""
        return self.head + b"".join(self.records[: self.fits]) + self.tail


class Content(NamedTuple):
    """What a response says."""

    rcode: int
    answer: Sequence[Record]
    authority: Sequence[Record]
    additional: Sequence[Record]
    authoritative: bool = False
    authentic: bool = False
    options: bytes = b""


def render(question: Question, content: Content, limit: int) -> Pieces:
    """Return a response of at most `limit` bytes.

    The additional section goes first: it is a courtesy. Then as many records as fit stay, and TC tells of the others:
    some resolvers never ask again over TCP (musl before 1.2.4), and an address is better than none.
    """
    known = _known(question)
    prefix, aliases = _prefix(question, content.answer, known)
    records = tuple([_bytes(r, known) for r in content.answer[aliases:]])
    end = opt(Edns(LARGEST_UDP, question.edns.dnssec), content.options, content.rcode >> 4) if question.edns else b""
    room = limit - HEADER - len(prefix) - len(end)
    if room < 0:
        return _head(question, content, question.raw, (0, 0, 0), end, cut=True)
    authority = b"".join([_bytes(r, known) for r in content.authority])
    additional = b"".join([_bytes(r, known) for r in content.additional])
    size = sum(map(len, records)) + len(authority)
    counts = len(content.answer), len(content.authority), len(content.additional)
    if size + len(additional) > room:
        additional, counts = b"", (*counts[:2], 0)
    if size > room:
        fit = _fitting(records, room)
        pieces = _head(question, content, prefix, (aliases + fit, 0, 0), end, cut=True)
        return pieces._replace(records=records, fits=fit)
    pieces = _head(question, content, prefix, counts, authority + additional + end, cut=False)
    return pieces._replace(records=records, fits=len(records))


def _head(
    question: Question, content: Content, prefix: bytes, counts: tuple[int, int, int], tail: bytes, *, cut: bool
) -> Pieces:
    flags = _flags(question, content) | (TC if cut else 0)
    additionals = counts[2] + (1 if question.edns else 0)
    return Pieces(struct.pack("!HHHHH", flags, 1, *counts[:2], additionals) + prefix, (), 0, tail)


def _flags(question: Question, content: Content) -> int:
    flags = QR | RA | (question.flags & (RD | CD)) | (content.rcode & 0xF)
    if content.authoritative:
        flags |= AA
    return flags | AD if content.authentic else flags


def _fitting(records: Sequence[bytes], room: int) -> int:
    """Return how many records fit, whichever they are."""
    for count, length in enumerate(sorted(map(len, records), reverse=True)):
        room -= length
        if room < 0:
            return count
    return len(records)


def _prefix(question: Question, answer: Sequence[Record], known: dict[bytes, int]) -> tuple[bytes, int]:
    """Return the question and the aliases in front of the answer, and how many these are."""
    prefix, aliases = question.raw, 0
    while aliases < len(answer) and answer[aliases].type == CNAME:
        prefix += _alias(answer[aliases], known, HEADER + len(prefix))
        aliases += 1
    return prefix, aliases


def _known(question: Question) -> dict[bytes, int]:
    """Return where the question's name, and every name above it, stands."""
    name, at, known = question.name, 0, {}
    while name[at]:
        known[name[at:]] = HEADER + at
        at += 1 + name[at]
    return known


def _alias(record: Record, known: dict[bytes, int], at: int) -> bytes:
    """Return an alias to be put at `at`, and learn its target's names."""
    start = _name(record.name, known)
    target = _name(record.data, known)
    place, inner = at + len(start) + 10, record.data.lower()
    done = 0
    while inner[done] and place + done < FARTHEST and inner[done:] not in known:
        known[inner[done:]] = place + done
        done += 1 + inner[done]
    return start + struct.pack("!HHIH", CNAME, IN, record.ttl, len(target)) + target


def _bytes(record: Record, known: dict[bytes, int]) -> bytes:
    data = with_names(record, lambda name: _name(name, known)) if record.type in COMPRESSED else record.data
    return _name(record.name, known) + struct.pack("!HHIH", record.type, IN, record.ttl, len(data)) + data


def _name(name: bytes, known: dict[bytes, int]) -> bytes:
    """Return a name, the end of it as a pointer where it is known."""
    lower, at = name.lower(), 0
    while name[at]:
        place = known.get(lower[at:])
        if place is not None:
            return name[:at] + struct.pack("!H", 0xC000 | place)
        at += 1 + name[at]
    return name
