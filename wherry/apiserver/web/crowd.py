"""Who leaves when there are too many connections. Pure.

Upstream has no such limit but the process's descriptors, and then nobody is let in. Here whoever keeps a connection
without using it makes room for who comes, and nobody can have all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable
from typing import Protocol

MOST = 4096
"""Connections at a time: of some 50 KiB each."""
SHARE = 64
"""Who has more than one in so many of them gives way to who comes: several such must not shut everybody else out."""


class Guest(Protocol):
    """One connection: whose it is, if that is known, and since when it waits for the client to ask something."""

    @property
    def owner(self) -> Hashable | None:
        """Who asks on it."""

    @property
    def idle_since(self) -> float | None:
        """When the server began to wait for TLS or for a request, None while there is a request."""

    def drop(self) -> None:
        """End it."""


def leaving(guests: Collection[Guest], most: int) -> Guest | None:
    """Return who of `most` guests leaves so that one more may come, None when nobody should.

    First who has been waited for longest; a client finds out when it asks again, and connects anew. Else one of those
    whose owner has the most, where that is more than a share: clients that all need few do not take turns.
    """
    idle = ((guest.idle_since, guest) for guest in guests if guest.idle_since is not None)
    if (longest := min(idle, key=lambda pair: pair[0], default=None)) is not None:
        return longest[1]
    ((owner, count),) = Counter(guest.owner for guest in guests).most_common(1)
    return next(guest for guest in guests if guest.owner == owner) if count > max(1, most // SHARE) else None
