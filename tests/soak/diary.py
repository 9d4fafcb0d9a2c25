"""What happened in a soak, and when: what was killed and deleted, and how the endpoints of what is called changed."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.objects import Object
from wherry.objects.meaning.endpoints import endpoints, is_ready, is_serving, is_terminating
from wherry.objects.resource import ENDPOINT_SLICES

BEFORE_SECONDS = 10.0
SHOWN = 8


class Diary:
    """Notes with their times, in order (seconds since the epoch)."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._notes: list[str] = []

    def note(self, what: str) -> None:
        """Note what happens now."""
        self._times.append(time.time())
        self._notes.append(what)

    def before(self, moment: float) -> str:
        """Return what happened in the seconds before a time, the latest first."""
        first, end = bisect_left(self._times, moment - BEFORE_SECONDS), bisect_right(self._times, moment)
        told = [f"{self._notes[i]} {moment - self._times[i]:.1f} s before" for i in range(end - 1, first - 1, -1)]
        return ", ".join(told[:SHOWN]) or "nothing before"

    def has(self, what: str, moment: float, seconds: float) -> bool:
        """Return whether `what` happened in so many seconds before a time."""
        first, end = bisect_left(self._times, moment - seconds), bisect_right(self._times, moment)
        return what in self._notes[first:end]


class EndpointReader:
    """Notes each change of the endpoints of one namespace's Services, as those who follow their slices hear of it."""

    def __init__(self, client: Client, namespace: str, diary: Diary):
        self._diary = diary
        self._component = Component("soak", client)
        self._component.follow(ENDPOINT_SLICES, namespace).subscribe(self._changed)

    async def run(self) -> None:
        """Read until cancelled."""
        await self._component.run()

    def _changed(self, old: Object | None, new: Object | None) -> None:
        before, after = _states(old), _states(new)
        for address in sorted(before.keys() | after.keys()):
            if before.get(address) != after.get(address):
                self._diary.note(f"{address} {after.get(address, 'gone')}")


def _states(piece: Object | None) -> dict[str, str]:
    return {e["addresses"][0]: _state(e) for e in endpoints(piece)} if piece is not None else {}


def _state(endpoint: Object) -> str:
    if is_ready(endpoint):
        return "ready"
    serving = "serving" if is_serving(endpoint) else "not serving"
    return f"{serving}, terminating" if is_terminating(endpoint) else serving
