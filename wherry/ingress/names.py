"""Names of hosts outside of the cluster (ExternalName Services): looked up again when their addresses' TTL is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import dns.asyncresolver
import dns.exception

from wherry.ingress.route.problem import Key

log = logging.getLogger(__name__)

SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 300.0
"""Between two questions; in between, the record's TTL decides."""
RETRY_SECONDS: Final = 5.0
"""After a question nobody answered; what was known is used on."""

Answer = tuple[tuple[str, ...], float]
"""Addresses, and for how many seconds they are good."""
Lookup = Callable[[str], Awaitable[Answer]]
"""Raises `LookupError` when nobody can say."""


async def look_up(name: str) -> Answer:
    """Ask the name servers of resolv.conf(5), with its search list; raises `LookupError`."""
    resolver = dns.asyncresolver.Resolver()
    asked = [resolver.resolve(name, kind, search=True) for kind in ("A", "AAAA")]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    found = [one for one in answers if isinstance(one, dns.resolver.Answer)]
    if not found:
        raise LookupError(f"{name}: {answers[0]}")
    addresses = tuple(sorted(record.address for one in found for record in one))
    return addresses, min(float(one.rrset.ttl if one.rrset else 0) for one in found)


class Names:
    """The names we follow, each by a task. `changed` gets the Services that a new answer is for."""

    def __init__(self, changed: Callable[[Iterable[Key]], None], lookup: Lookup = look_up):
        self._changed = changed
        self._lookup = lookup
        self._known: dict[str, tuple[str, ...]] = {}
        self._users: dict[str, set[Key]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def look(self, name: str, service: Key) -> tuple[str, ...]:
        """Return the addresses known by now, and go on following the name for a Service."""
        self._users.setdefault(name, set()).add(service)
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._follow(name))
        return self._known.get(name, ())

    def keep(self, names: Iterable[str]) -> None:
        """Forget all names but these."""
        for gone in self._tasks.keys() - set(names):
            self._tasks.pop(gone).cancel()
            self._users.pop(gone, None)
            self._known.pop(gone, None)

    async def _follow(self, name: str) -> None:
        while True:
            try:
                addresses, seconds = await self._lookup(name)
            except LookupError as error:
                log.warning("asked again in %.0f s: %s", RETRY_SECONDS, error)
                seconds = RETRY_SECONDS
            else:
                if addresses != self._known.get(name):
                    self._known[name] = addresses
                    self._changed(self._users[name])
            await asyncio.sleep(min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS))
