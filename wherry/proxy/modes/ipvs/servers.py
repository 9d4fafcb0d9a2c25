"""From changes of the plan to changes of virtual servers, and which of their endpoints drain (pure).

An endpoint that takes no new connections gets weight 0 and stays until its connections have ended; so does a virtual
server nobody needs any more. Datagrams have no end to wait for: theirs goes at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wherry.net.ipvs import Address, Manner, Server, place, remove, serve, withdraw
from wherry.proxy.plan import Change, Kind, Route

Command = tuple[int, bytes]


@dataclass(slots=True)
class Held:
    """What the kernel holds of a virtual server: each destination's weight. `wanted`: the plan has it."""

    manner: Manner
    weights: dict[Address, int] = field(default_factory=dict)
    wanted: bool = False
    has_address: bool = False
    """Whether its address is the link's, for it to be this machine's."""


class Servers:
    """All virtual servers of ours in the kernel.

    Methods that return commands move it on at once: when one of them fails, throw it away and `learn` anew.
    """

    def __init__(self, scheduler: str):
        self._scheduler = scheduler
        self.held: dict[Server, Held] = {}

    def learn(self, server: Server, manner: Manner, weights: Mapping[Address, int], *, has_address: bool) -> None:
        """Take note of what is in the kernel."""
        self.held[server] = Held(manner, dict(weights), has_address=has_address)

    def add(self, change: Change) -> list[Command]:
        """Return what makes new connections work: the first half of a change."""
        return [c for _, after in change.routes.values() if after is not None for c in self._added(after)]

    def drop(self, change: Change) -> list[Command]:
        """Return what lets go of the rest: the second half of a change."""
        routes = {Server(*frontend): after for frontend, (_, after) in change.routes.items()}
        return [command for server, after in routes.items() for command in self._dropped(server, after)]

    def drop_strange(self, known: Iterable[Server]) -> list[Command]:
        """Return what lets go of all servers but those."""
        strange = self.held.keys() - set(known)
        return [command for server in strange for command in self._dropped(server, None)]

    def draining(self) -> list[Server]:
        """Return the servers that have an endpoint without new connections."""
        return [server for server, held in self.held.items() if not all(held.weights.values())]

    def drained(self, server: Server, idle: Iterable[Address]) -> list[Command]:
        """Return what takes away endpoints that drain and are `idle`, and the server if it was for them."""
        held = self.held.get(server)
        if held is None:
            return []
        gone = [at for at in idle if held.weights.get(at) == 0]
        for at in gone:
            del held.weights[at]
        return [*(remove(server, at) for at in gone), *self._ended(server, held)]

    @property
    def addresses(self) -> set[str]:
        """The addresses the link is to have."""
        return {server.address for server, held in self.held.items() if held.has_address}

    def _added(self, route: Route) -> Iterator[Command]:
        server, manner = Server(*route.frontend), Manner(self._scheduler, route.affinity_seconds)
        held = self.held.get(server)
        if held is None or held.manner != manner:
            yield serve(server, manner, again=held is not None)
        held = self.held.setdefault(server, Held(manner))
        held.manner, held.wanted, held.has_address = manner, True, route.kind is not Kind.NodePort
        for endpoint in route.inside.endpoints:
            weight = held.weights.get(endpoint[:2])
            if weight != 1:
                yield place(server, endpoint[:2], 1, again=weight is not None)
                held.weights[endpoint[:2]] = 1

    def _dropped(self, server: Server, route: Route | None) -> Iterator[Command]:
        held = self.held.get(server)
        if held is None:
            return
        wanted = {endpoint[:2] for endpoint in route.inside.endpoints} if route else set()
        held.wanted = route is not None
        for at in held.weights.keys() - wanted:
            if server.protocol == "UDP":
                del held.weights[at]
                yield remove(server, at)
            elif held.weights[at]:
                held.weights[at] = 0
                yield place(server, at, 0, again=True)
        yield from self._ended(server, held)

    def _ended(self, server: Server, held: Held) -> Iterator[Command]:
        if not held.wanted and not held.weights:
            del self.held[server]
            yield withdraw(server)
