"""What a controller has asked for and not yet seen in its cache, so that it does not ask twice.

Between a create and the watch event that shows it the cache lies. A controller records what it expects, looks again
only when every expectation is met (or too old to wait for), and so never creates a pod twice.
Source of the idea and the timeout: upstream pkg/controller/controller_utils.go, `ControllerExpectations`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable

TIMEOUT_SECONDS = 300.0


class Expectations:
    """Per owner key: how many creations and which deletions (by uid) are still to be seen. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] | None = None):
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._creations: dict[Hashable, int] = {}
        self._deletions: dict[Hashable, set[str]] = {}
        self._since: dict[Hashable, float] = {}

    def patience(self, key: Hashable) -> float:
        """Return for how many seconds to wait for the cache at most: 0 when it can be believed."""
        if not self._creations.get(key) and not self._deletions.get(key):
            return 0.0
        return max(0.0, self._since[key] + TIMEOUT_SECONDS - self._clock())

    def expect(self, key: Hashable, creations: int = 0, deletions: Iterable[str] = ()) -> None:
        """Wait for `creations` new objects and for the uids in `deletions` to go; forgets what was expected before."""
        self._since[key] = self._clock()
        self._creations[key] = creations
        self._deletions[key] = set(deletions)

    def created(self, key: Hashable, count: int = 1) -> None:
        """`count` expected creations were seen, or failed and will not come."""
        self._creations[key] = max(0, self._creations.get(key, 0) - count)

    def deleted(self, key: Hashable, uid: str) -> None:
        """The deletion of `uid` was seen (it carries a deletion time, or is gone), or failed."""
        self._deletions.get(key, set()).discard(uid)

    def forget(self, key: Hashable) -> None:
        """The owner is gone."""
        self._creations.pop(key, None)
        self._deletions.pop(key, None)
        self._since.pop(key, None)
