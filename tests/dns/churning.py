"""Questions while the cluster changes, and whether each answer was right: true of the objects at some moment.

A change takes effect at some moment between the call that makes it and that call's return. So an answer is right if it
is what the objects said at a moment between these; how long before its question that was is its lag.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from wherry.dns import names
from wherry.dns.wire import response
from wherry.dns.wire.question import HEADER, Edns, write
from wherry.dns.wire.record import A

State = frozenset[bytes] | None
"""The addresses of a name; None: there is no such name."""
ANYTHING = 4096  # bytes a datagram may have
BUFFER = 1 << 22  # bytes of answers that may wait for us: what is lost here would count as lost there
PATIENCE_SECONDS = 5.0
RECENT = 64
NXDOMAIN = 3


class Change(NamedTuple):
    """From a moment between `earliest` and `latest` (`time.monotonic`) on a name has this state."""

    name: str
    earliest: float
    latest: float
    state: State


class Asked(NamedTuple):
    """A question and what came back: the code and the addresses, code None for nothing at all."""

    name: str
    sent: float
    received: float
    rcode: int | None
    found: frozenset[bytes] = frozenset()


class History:
    """What was true when."""

    def __init__(self) -> None:
        self._changes: dict[str, list[Change]] = {}
        self._names: list[str] = []
        self._latest: deque[str] = deque(maxlen=RECENT)

    def add(self, change: Change) -> None:
        """Take in a change; those of one name come in their order."""
        if change.name not in self._changes:
            self._changes[change.name] = []
            self._names.append(change.name)
        self._changes[change.name].append(change)
        self._latest.append(change.name)

    def some_name(self) -> str:
        """Return a name to ask for: every second time one that has just changed."""
        return random.choice(self._latest if random.random() < 0.5 else self._names)

    def lag(self, asked: Asked) -> float | None:
        """Return how long before the question its answer was true last, in seconds; None if it never was."""
        until = float("inf")
        for change in reversed(self._changes[asked.name]):
            if change.earliest <= asked.received and _says(asked, change.state):
                return max(0.0, asked.sent - until)
            until = change.latest
        return None


def _says(asked: Asked, state: State) -> bool:
    if state is None:
        return asked.rcode == NXDOMAIN
    return asked.rcode == (0 if state else NXDOMAIN) and asked.found == state


_encoded = lru_cache(maxsize=None)(names.of_text)


class Asker(asyncio.DatagramProtocol):
    """Asks the server at `port` of loopback for addresses, each question once."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._waiting: dict[bytes, tuple[asyncio.Future[bytes], bytes]] = {}
        self._transport: asyncio.DatagramTransport

    @staticmethod
    async def open(port: int, patience: float = PATIENCE_SECONDS) -> Asker:
        """Return one who asks at a port, and waits so many seconds."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        made.connect(("127.0.0.1", port))
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Asker(patience), sock=made)
        return protocol

    def close(self) -> None:
        """Ask nothing more."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: object) -> None:
        waiting, question = self._waiting.get(data[:2], (None, b""))
        if waiting and not waiting.done() and data[HEADER:].startswith(question):  # not a late one of the same id
            waiting.set_result(data)

    def error_received(self, exc: Exception) -> None:
        pass  # nobody listens there: the question is lost, as its time will tell

    async def ask(self, name: str) -> Asked:
        """Ask for the A records of a name."""
        id = random.randbytes(2)
        while id in self._waiting:
            id = random.randbytes(2)
        sent = time.monotonic()
        waiting: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        question = _encoded(name)
        self._waiting[id] = waiting, question
        self._transport.sendto(write(id, question, A, edns=Edns(ANYTHING, dnssec=False)))
        try:
            async with asyncio.timeout(self._patience):
                answer = response.read(await waiting)
        except TimeoutError:
            return Asked(name, sent, time.monotonic(), None)
        finally:
            del self._waiting[id]
        found = frozenset(record.data for record in answer.answer if record.type == A)
        return Asked(name, sent, time.monotonic(), answer.rcode, found)


async def ask_on(
    chosen: Callable[[], Sequence[Asker]], history: History, rate: float, stopped: asyncio.Event
) -> list[Asked]:
    """Ask `rate` questions a second, in turn by those who are `chosen` at that moment, until it is `stopped`."""
    begun, asking, told = time.monotonic(), set(), []

    async def one(asker: Asker, name: str) -> None:
        told.append(await asker.ask(name))

    count = 0
    while not stopped.is_set():
        while count < (time.monotonic() - begun) * rate:
            askers = chosen()
            task = asyncio.create_task(one(askers[count % len(askers)], history.some_name()))
            asking.add(task)
            task.add_done_callback(asking.discard)
            count += 1
        await asyncio.sleep(0.002)
    await asyncio.gather(*asking)
    return told
