"""The server blocks of one address and port: which of them a query is for, and its answer as bytes.

Every transport (`transports/`) comes here twice: `known` for what is kept, which is one look into a table and never
waits, and `answer` for everything else. In between is `gated`, what is kept but is not for every client: the others
cost nothing more for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from wherry.dns import names
from wherry.dns.chain import Chain
from wherry.dns.fairness import Fairness
from wherry.dns.kept import LONGEST, Answers, Kept
from wherry.dns.metrics import Metrics, Seen
from wherry.dns.places import Place
from wherry.dns.query import MAPPED, Answer, Keep, Query, refuse
from wherry.dns.wire.question import Unanswerable, bare

log = logging.getLogger(__name__)

Reply = Callable[[bytes | None], None]
"""Sends an answer, or learns that there is none. It must not raise."""
DRAIN_SECONDS = 5.0
KEPT_SECONDS = 0.00001
"""What a kept answer takes: it is not timed, that would cost as much again."""
SERVFAIL = 2


class Server:
    """The server blocks of one place."""

    def __init__(self, place: Place, chains: list[Chain], metrics: Metrics):
        self.place = place
        self.fairness = Fairness()
        self._name = str(place)
        self._chains = {
            names.of_text(p.zone): (p.zone, c) for c in chains for p in c.block.places if p.at() == place.at()
        }
        self._metrics = metrics
        self._changes = 0
        self._datagrams, self._streams = Answers(self._tell), Answers(self._tell)
        self._gated = Answers(self._tell), Answers(self._tell)  # streams, datagrams; a plugin is asked first
        self._all = (self._datagrams, self._streams, *self._gated)
        self._tasks: set[asyncio.Task[Any] | None] = set()

    def forget(self, tags: tuple[object, ...] | None) -> None:
        """Drop what is kept and was made of `tags` (None: of anything): they have changed."""
        self._changes += 1
        for kept in self._all:
            kept.forget(tags)

    def refresh(self) -> None:
        """Bring the metrics up to date."""
        for kept in self._all:
            kept.tell()
        stores = (s for kept in self._all for s in (kept.names, kept.crowd))
        self._metrics.kept_entries.labels(str(self.place)).set(sum(map(len, stores)))

    def known(self, data: bytes, datagram: bool) -> bytes | None:
        """Return the kept answer to these very bytes, if there is one."""
        found = (self._datagrams if datagram else self._streams).find(data[2:])
        return None if found is None else data[:2] + found

    def gated(self, data: bytes, client: str, datagram: bool) -> bytes | None:
        """Return the kept answer to these bytes from this client, where a plugin is asked first; empty: send none.

        Over TCP whoever keeps an answer never says that none is to be sent.
        """
        found = self._gated[datagram].pass_gate(data[2:], client.removeprefix(MAPPED))
        return data[:2] + found if found else found

    def begin(self, data: bytes, client: tuple[Any, ...], transport: str, reply: Reply) -> bool:
        """Answer by `reply`, once the answer is there; False where this client has too many questions under way."""
        if not self.fairness.take(client[0]):
            self._metrics.shed.inc()
            return False
        self._tasks.add(asyncio.ensure_future(self._safely(data, client, transport, reply)))
        return True

    async def _safely(self, data: bytes, client: tuple[Any, ...], transport: str, reply: Reply) -> None:
        """Answer, and say so here: a callback of the task would take another turn of the loop."""
        answer = None
        try:
            answer = await self.answer(data, client[0], transport, client[1])
        except Exception as error:  # a bug of ours: whoever asked is told, and everybody else is answered
            self._metrics.panics.inc()
            log.error("a query could not be handled", exc_info=error)
            answer = bare(data, SERVFAIL)
        finally:
            self.fairness.leave(client[0])
            self._tasks.discard(asyncio.current_task())
            reply(answer)

    async def drain(self) -> None:
        """Return once what is under way is answered, or after `DRAIN_SECONDS`."""
        if under_way := [task for task in self._tasks if task]:
            _, late = await asyncio.wait(under_way, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()

    async def answer(self, data: bytes, client: str, transport: str, port: int = 0) -> bytes | None:
        """Return the response to a message; None for what deserves none (not a query at all)."""
        start, changes = time.perf_counter(), self._changes
        try:
            query = Query.read(data, client, port, transport)
        except Unanswerable as why:
            return why.reply
        zone, chain = self._chain(query)
        answer = await (chain.handle(query) if chain else refuse(query))
        if answer.whole:
            seen = self._seen(query, zone, answer.whole, len(query.render(answer.whole).whole()))
            self._keep(query, chain, answer.whole, seen, changes)
        if answer.rcode is None:
            return None
        wire = query.render(answer).whole()
        seen = self._seen(query, zone, answer, len(wire))
        if answer.keep:
            self._keep(query, chain, answer, seen, changes)
        self._metrics.count(seen, time.perf_counter() - start)
        return data[:2] + wire

    def _keep(self, query: Query, chain: Chain | None, answer: Answer, seen: Seen, changes: int) -> None:
        keep = answer.keep
        if keep and chain and chain.keeps and len(query.data) <= LONGEST and self._good(keep, changes):
            kept = Kept.of(query, answer, keep, seen, self._tell)
            self._store(keep, query.transport).put(query.data[2:], kept)

    def _store(self, keep: Keep, transport: str) -> Answers:
        datagram = transport == "udp"
        if keep.gate:
            return self._gated[datagram]
        return self._datagrams if datagram else self._streams

    def _good(self, keep: Keep, changes: int) -> bool:
        """Whether an answer is still good: nothing it may have been made of has changed since there were `changes`."""
        return changes == self._changes or not keep.tags

    async def resolve(self, query: Query) -> Answer:
        """Run a query of our own through the chains."""
        _, chain = self._chain(query)
        return await (chain.handle(query) if chain else refuse(query))

    def _chain(self, query: Query) -> tuple[str, Chain | None]:
        for name in query.above:
            found = self._chains.get(name)
            if found:
                return found
        return "", None

    def _seen(self, query: Query, zone: str, answer: Answer, size: int) -> Seen:
        question = query.question
        dnssec = bool(question.edns and question.edns.dnssec)
        code = answer.rcode or 0
        return Seen(self._name, zone, query.transport, query.type, code, len(query.data), size + 2, dnssec)

    def _tell(self, kept: Kept) -> None:
        """Count the queries a kept answer has answered since it was counted last."""
        times = kept.hits - kept.told
        if not times:
            return
        kept.told = kept.hits
        self._metrics.count(kept.seen, KEPT_SECONDS, times)
        self._metrics.kept.inc(times)
        if kept.keep.used:
            kept.keep.used(times)
