"""Answers kept as bytes under the question's own bytes: most queries cost no parsing at all.

What is kept is dropped when something it was made of changes, when its time has come, or when it has not been asked for
since a newer one needs the place. Names anybody can make up are kept apart, so that they push out nobody.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from wherry.dns.metrics import Seen
from wherry.dns.query import FOR_EVER, Answer, Keep, Query, Verdict
from wherry.dns.wire.record import Record

MOST = 50_000
MOST_CROWD = 10_000
LONGEST = 512
"""Bytes: a longer question is not worth keeping, and would let a client decide how much memory we use."""
SECOND_CHANCES = 16


@dataclass(slots=True)
class Kept:
    """One answer without its id.

    `source`: what it is written anew from when its TTLs have changed. `seen`: what the metrics have of each query it
    answers; `hits` counts these, `told` those of them that are in the metrics.
    """

    source: tuple[Query, Answer] | None
    keep: Keep
    seen: Seen
    tell: Callable[[Kept], None]
    head: bytes = b""
    twice: bytes = b""  # the records, two times in a row: any turn of them is one slice
    turns: tuple[tuple[int, int], ...] = ()
    tail: bytes = b""
    cut: bytes = b""  # without its records and with TC; there where a gate may ask for it
    turn: int = 0
    next_second: float = FOR_EVER
    hits: int = 0
    told: int = 0
    looked: int = 0  # hits when it was last its turn to go
    timed: bool = False

    @staticmethod
    def of(query: Query, answer: Answer, keep: Keep, seen: Seen, tell: Callable[[Kept], None]) -> Kept:
        """Return an answer to keep."""
        kept = Kept((query, answer), keep, seen, tell, timed=keep.until < FOR_EVER)
        kept._render()
        if keep.gate:
            kept.cut = query.render(answer._replace(largest=0)).whole()
        if not kept.timed:
            kept.source = None
        return kept

    def take(self) -> bytes | None:
        """Return the answer, None when its time has come; its records begin with another each time."""
        self.hits += 1
        if self.timed:
            now = time.monotonic()
            if now >= self.keep.until:
                self.hits -= 1
                return None
            if now >= self.next_second:
                self._render(int(now - (self.keep.stored or 0.0)))
        turns = self.turns
        if not turns:
            return self.head
        self.turn = turn = self.turn + 1 if self.turn + 1 < len(turns) else 0
        start, end = turns[turn]
        return self.head + self.twice[start:end] + self.tail

    def _render(self, age: int = 0) -> None:
        assert self.source
        query, answer = self.source
        if self.keep.stored is not None:
            self.next_second = self.keep.stored + age + 1
            answer = aged(answer, age)
        pieces = query.render(answer)
        if not answer.rotate or len(pieces.records) < 2:
            self.head, self.turns = pieces.whole(), ()
            return
        self.head, self.tail = pieces.head, pieces.tail
        self.twice = b"".join(pieces.records) * 2
        starts = [0]
        for record in pieces.records * 2:
            starts.append(starts[-1] + len(record))
        self.turns = tuple((starts[n], starts[n + pieces.fits]) for n in range(len(pieces.records)))


def aged(answer: Answer, seconds: int) -> Answer:
    """Return an answer, its TTLs less `seconds`."""
    if not seconds:
        return answer
    return answer._replace(
        answer=_aged(answer.answer, seconds),
        authority=_aged(answer.authority, seconds),
        additional=_aged(answer.additional, seconds),
    )


def _aged(records: tuple[Record, ...], seconds: int) -> tuple[Record, ...]:
    return tuple([r._replace(ttl=max(0, r.ttl - seconds)) for r in records])


class Store:
    """At most `most` answers, by the bytes of their questions (without the id)."""

    def __init__(self, most: int, tell: Callable[[Kept], None]):
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self.get = self._kept.get
        self._most = most
        self._tell = tell
        self._by_tag: dict[Hashable, set[bytes]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, question: bytes, kept: Kept) -> None:
        """Keep an answer, in the place of the one that was not asked for longest."""
        self.drop(question)
        if len(self._kept) >= self._most:
            self._evict()
        self._kept[question] = kept
        for tag in kept.keep.tags:
            self._by_tag.setdefault(tag, set()).add(question)

    def _evict(self) -> None:
        for _ in range(SECOND_CHANCES):
            question, kept = next(iter(self._kept.items()))
            if kept.hits == kept.looked:
                break
            kept.looked = kept.hits
            self._kept.move_to_end(question)
        self.drop(next(iter(self._kept)))

    def drop(self, question: bytes) -> None:
        """Forget one answer."""
        kept = self._kept.pop(question, None)
        if kept is None:
            return
        self._tell(kept)
        for tag in kept.keep.tags:
            holders = self._by_tag[tag]
            holders.discard(question)
            if not holders:
                del self._by_tag[tag]

    def forget(self, tags: Iterable[Hashable]) -> None:
        """Forget what was made of something that has changed."""
        for tag in tags:
            for question in tuple(self._by_tag.get(tag, ())):
                self.drop(question)

    def clear(self) -> None:
        """Forget everything."""
        for question in tuple(self._kept):
            self.drop(question)

    def tell(self) -> None:
        """Have all counted."""
        for kept in self._kept.values():
            self._tell(kept)


class Answers:
    """What is kept for one transport: names that are, and names anybody can make up, apart."""

    def __init__(self, tell: Callable[[Kept], None]):
        self.names, self.crowd = Store(MOST, tell), Store(MOST_CROWD, tell)

    def find(self, question: bytes) -> bytes | None:
        """Return the kept answer to a question's bytes (both without the id)."""
        kept = self.names.get(question) or self.crowd.get(question)
        if kept is None:
            return None
        found = kept.take()
        if found is None:
            (self.crowd if kept.keep.crowd else self.names).drop(question)
        return found

    def pass_gate(self, question: bytes, client: str) -> bytes | None:
        """Return the kept answer, once its gate was asked: empty where none is to be sent, None where there is none."""
        kept = self.names.get(question) or self.crowd.get(question)
        found = None if kept is None else self.find(question)
        if kept is None or found is None:
            return None
        assert kept.keep.gate
        match kept.keep.gate(client):
            case Verdict.SEND:
                return found
            case Verdict.CUT:
                return kept.cut
            case Verdict.DROP:
                found = b""
            case Verdict.ASK:
                found = None
        kept.hits -= 1
        return found

    def put(self, question: bytes, kept: Kept) -> None:
        """Keep an answer."""
        (self.crowd if kept.keep.crowd else self.names).put(question, kept)

    def forget(self, tags: Iterable[Hashable] | None) -> None:
        """Forget what was made of `tags`, or all."""
        for store in (self.names, self.crowd):
            if tags is None:
                store.clear()
            else:
                store.forget(tags)

    def tell(self) -> None:
        """Have all counted."""
        self.names.tell()
        self.crowd.tell()
