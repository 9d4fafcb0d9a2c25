"""What nginx refuses is found, left out and told of; the rest is served.

A whole that nginx refuses is searched for culprits (`culprits.py`) beside everything else, so that endpoints and
certificates go on being pushed; what runs stays in force meanwhile. A search is made once for each structure: until
something changes, its culprits stay out. A later structure that is refused too goes without them at once, while the
next search looks whether that is still right: what was mended is taken in again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from wherry.component.backoff import Backoff
from wherry.ingress.culprits import culprits
from wherry.ingress.fronts.build import build
from wherry.ingress.fronts.ingress.parts import Part, parts, without
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.nginx import secrets
from wherry.ingress.nginx.errors import ConfigRefused, NginxError
from wherry.ingress.nginx.ports import TAKEN
from wherry.ingress.nginx.process import Nginx
from wherry.ingress.nginx.template import render
from wherry.ingress.route import problem
from wherry.ingress.route.model import Model, Structure
from wherry.ingress.route.problem import Problem

log = logging.getLogger(__name__)

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
"""Pauses before nginx is tried again that failed by itself."""
PORT_SECONDS = 30.0
"""After which a port that was taken is tried again."""


class Quarantine:
    """Decides what of a snapshot is served. `changed` is called when that may have become something else."""

    def __init__(self, nginx: Nginx, choices: Choices, changed: Callable[[], None]):
        self._nginx = nginx
        self._choices = choices
        self._changed = changed
        self._snapshot = Snapshot()
        self._whole = Structure()
        self._refused: Structure | None = None
        self._left_out: Mapping[Part, str] = {}
        self._search: asyncio.Task[None] | None = None
        self._backoff = Backoff(FIRST_SECONDS, LONGEST_SECONDS)

    def model(self, snapshot: Snapshot) -> Model:
        """Return what to serve of a snapshot: all of it, or if nginx has refused that, all but the culprits."""
        self._snapshot = snapshot
        whole = build(snapshot, self._choices)
        self._whole = whole.structure
        if self._whole != self._refused:
            return whole
        rest = build(without(snapshot, self._left_out), self._choices)
        told = [_problem(part, why) for part, why in self._left_out.items()]
        return replace(rest, problems=(*rest.problems, *told))

    def accepted(self, structure: Structure) -> None:
        """Take note of what is in force; where that is all there is, nothing is left out any more."""
        if structure == self._whole:
            self._refused, self._left_out = None, {}
            self._backoff.reset()

    def refused(self) -> None:
        """Take note that nginx refused the model: begin a search, unless the one for this whole was made."""
        if self._whole == self._refused:
            return
        self._refused = self._whole
        if self._search is None:
            self._search = asyncio.create_task(self._find())
        if self._left_out:
            self._changed()

    async def stop(self) -> None:
        """Give up a search that is under way."""
        if self._search is not None:
            self._search.cancel()
            await asyncio.gather(self._search, return_exceptions=True)

    async def _find(self) -> None:
        """Search until the culprits of the latest refused whole are known."""
        try:
            searched = None
            while self._refused is not None and searched != self._refused:
                searched = self._refused
                await self._find_in(self._snapshot)
        except Exception as error:  # noqa: BLE001 - a search that fails, by a bug even, has to be made again
            pause = self._backoff.failed()
            why = "nginx itself fails, whatever it is given" if isinstance(error, NginxError) else "the search failed"
            log.error("%s, again in %.0f s: %s", why, pause, error)
            await asyncio.sleep(pause)
            self._refused = None
        finally:
            self._search = None
            self._changed()

    async def _find_in(self, snapshot: Snapshot) -> None:
        everything = sorted(parts(snapshot, self._choices), key=self._left_out.__contains__)

        async def refusal(some: Sequence[Part]) -> str:
            structure = build(without(snapshot, set(everything) - set(some)), self._choices).structure
            return await self._refusal(structure)

        log.warning("searching among %d Ingresses and settings for what nginx refuses", len(everything))
        await self._check_nginx(refusal)
        found = await culprits(everything, refusal)
        await self._check_nginx(refusal)  # or a disk that filled up meanwhile would be blamed on the last of them
        self._left_out = found
        if any(TAKEN in why for why in found.values()):
            asyncio.get_running_loop().call_later(PORT_SECONDS, self._try_whole_again)

    def _try_whole_again(self) -> None:
        """Look whether a port that was taken is free by now; nothing else would tell us."""
        self._refused = None
        self._changed()

    async def _refusal(self, structure: Structure) -> str:
        try:
            secrets.provide(self._nginx.runtime, structure)
            await self._nginx.test(render(structure, self._nginx.runtime))
        except ConfigRefused as error:
            return str(error)
        return ""

    @staticmethod
    async def _check_nginx(refusal: Callable[[Sequence[Part]], Awaitable[str]]) -> None:
        """Raise `NginxError` when nginx refuses even a configuration in which nothing is anybody's."""
        if why := await refusal(()):
            raise NginxError(why)


def _problem(part: Part, why: str) -> Problem:
    what = f"entry {part.entry!r}" if part.entry else "this Ingress"
    return Problem(part.subject, problem.NGINX_REFUSED, f"{what} is left out, nginx refuses it: {why}")
