"""One priority level: so many seats, a queue for each flow that waits, and turns among the flows."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass


class Full(Exception):
    """A queue, or the level, has as many as may wait."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One request: `width` seats, which it has once it is `granted`."""

    flow: str
    width: int
    granted: bool = False


class Level:
    """The seats of a level and who has them. A flow has at most half of them, and one at least.

    Of one flow at most `longest` requests wait, and `most` in all.
    """

    def __init__(self, seats: int, longest: int = 512, most: int = 2048):
        self.seats = seats
        self.longest = longest
        self.most = most
        self.taken = 0
        self.executing = 0
        self.waiting = 0
        self._most = max(seats // 2, 1)
        self._held: Counter[str] = Counter()
        self._queues: dict[str, deque[Ticket]] = {}
        """Of the flows that wait, in the order of their turns."""

    def arrive(self, flow: str, width: int) -> Ticket:
        """Return a request's ticket, granted if it has its seats already; raises `Full`."""
        ticket = Ticket(flow, min(max(width, 1), self._most))
        if flow not in self._queues and self._fits(ticket) and not self._anybody_first():
            self._grant(ticket)
            return ticket
        queue = self._queues.setdefault(flow, deque())
        if len(queue) >= self.longest or self.waiting >= self.most:
            self._forget(flow)
            raise Full
        queue.append(ticket)
        self.waiting += 1
        return ticket

    def resize(self, seats: int, longest: int, most: int) -> list[Ticket]:
        """Have other limits; return the tickets that are granted now. Nobody loses a seat or a place he has."""
        self.seats, self.longest, self.most = seats, longest, most
        self._most = max(seats // 2, 1)
        return list(self._granted())

    def leave(self, ticket: Ticket) -> list[Ticket]:
        """Take back what a ticket has, be it seats or a place in a queue; return those that are granted now."""
        if ticket.granted:
            ticket.granted = False
            self.executing -= 1
            self.taken -= ticket.width
            self._held[ticket.flow] -= ticket.width
            if not self._held[ticket.flow]:
                del self._held[ticket.flow]
        else:
            self._queues[ticket.flow].remove(ticket)
            self.waiting -= 1
            self._forget(ticket.flow)
        return list(self._granted())

    def _granted(self) -> Iterator[Ticket]:
        """Grant what fits, a request of each flow in turn; a wide one is not overtaken by another flow's."""
        while (flow := self._next()) is not None and self._fits(self._queues[flow][0]):
            queue = self._queues.pop(flow)
            ticket = queue.popleft()
            self.waiting -= 1
            if queue:
                self._queues[flow] = queue  # at the end of the turns
            self._grant(ticket)
            yield ticket

    def _next(self) -> str | None:
        """Return the flow whose turn it is: the first that may have more. Those that may not are two at most."""
        return next((flow for flow, queue in self._queues.items() if self._may_have(queue[0])), None)

    def _anybody_first(self) -> bool:
        return bool(self._queues) and self._next() is not None

    def _may_have(self, ticket: Ticket) -> bool:
        return self._held[ticket.flow] + ticket.width <= self._most

    def _fits(self, ticket: Ticket) -> bool:
        return self.taken + ticket.width <= self.seats and self._may_have(ticket)

    def _grant(self, ticket: Ticket) -> None:
        ticket.granted = True
        self.executing += 1
        self.taken += ticket.width
        self._held[ticket.flow] += ticket.width

    def _forget(self, flow: str) -> None:
        if not self._queues[flow]:
            del self._queues[flow]
