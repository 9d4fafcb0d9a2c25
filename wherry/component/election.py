"""Leader election by a Lease: of several who could do something, one does it.

The rules are client-go's, so that its clients may take part: whoever holds the Lease renews it; the others take it over
when it has not changed for as long as it is good for, by their own clock and counted from when they saw it change, so
that nobody's clock has to be right. Who cannot renew stops before anybody else may begin.
Source: client-go tools/leaderelection/leaderelection.go.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.resource import LEASES
from wherry.objects.timestamps import micro
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

NAMESPACE = "kube-system"
JITTER = 0.2

_leading = metrics.gauge("leader_election_master_status", "Whether this process leads: 1 or 0.", ("name",))


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: how long a Lease is good for, how long a leader tries to renew it, and how often anybody looks."""

    lease: float = 15.0
    renew: float = 10.0
    retry: float = 2.0


@dataclass(slots=True)
class Sight:
    """The Lease as it was last seen, and when that was, by the loop's clock."""

    spec: Object
    at: float

    def is_over(self, now: float) -> bool:
        """Return whether nobody holds it: it was let go, or stands still for longer than it is good for."""
        held = bool(self.spec.get("holderIdentity"))
        return not held or now >= self.at + (self.spec.get("leaseDurationSeconds") or 0)


class Election:
    """The election for Lease `name`; `identity` is this process's alone, and whoever comes back with it leads on."""

    def __init__(
        self,
        client: Client,
        name: str,
        identity: str,
        terms: Terms | None = None,
        clock: Callable[[], float] = time.time,
    ):
        self._client = client
        self._name = name
        self._identity = identity
        self._terms = terms or Terms()
        self._clock = clock
        self._sight: Sight | None = None

    async def lead(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` for as long as this process leads, each time anew; raises what `work` raises, and lets go then."""
        while True:
            await self._elected()
            log.info("leads lease=%s identity=%s", self._name, self._identity)
            _leading.labels(self._name).set(1)
            try:
                await self._led(asyncio.ensure_future(work()))
            finally:
                _leading.labels(self._name).set(0)
            log.warning("leads no longer lease=%s identity=%s", self._name, self._identity)

    async def _elected(self) -> None:
        while True:
            if await self._try():
                return
            await asyncio.sleep(self._terms.retry * (1 + JITTER * random.random()))

    async def _led(self, work: asyncio.Future[None]) -> None:
        """Renew until that fails for too long, or `work` ends; then end `work`, and let go of the Lease."""
        renewed = _now()
        try:
            while not work.done():
                await asyncio.wait([work], timeout=self._terms.retry)
                now = _now()
                if await self._try(renewed + self._terms.renew - now):
                    renewed = now
                elif now >= renewed + self._terms.renew or not self._is_mine():
                    return
            work.result()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._let_go()

    async def _try(self, seconds: float | None = None) -> bool:
        """Take or renew the Lease, in `seconds` at most; return whether it is ours."""
        try:
            async with asyncio.timeout(self._terms.renew if seconds is None else max(seconds, 0.0)):
                return await self._written(self._spec_of)
        except (ApiError, TimeoutError) as error:
            log.debug("lease=%s: %s", self._name, error)
            return False

    async def _written(self, spec_of: Callable[[Object, float], Object | None]) -> bool:
        """Have the Lease as `spec_of` says; None: it is left alone. Raises `ApiError`, where another was faster too."""
        now = self._clock()
        try:
            lease = await self._client.get(LEASES, self._name, NAMESPACE)
        except NotFound:
            spec = spec_of({}, now)
            if spec is None:
                return False
            made = {"metadata": {"name": self._name, "namespace": NAMESPACE}, "spec": spec}
            self._look(await self._client.create(LEASES, made, NAMESPACE))
            return True
        self._look(lease)
        spec = spec_of(lease.get("spec") or {}, now)
        if spec is None:
            return False
        self._look(await self._client.update(LEASES, {**lease, "spec": spec}))
        return True

    def _look(self, lease: Object) -> None:
        spec = lease.get("spec") or {}
        if self._sight is None or self._sight.spec != spec:
            self._sight = Sight(spec, _now())

    def _is_mine(self) -> bool:
        return self._sight is not None and self._sight.spec.get("holderIdentity") == self._identity

    def _spec_of(self, spec: Object, now: float) -> Object | None:
        mine = spec.get("holderIdentity") == self._identity
        if not mine and self._sight is not None and not self._sight.is_over(_now()):
            return None
        transitions = spec.get("leaseTransitions") or 0
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._terms.lease)),
            "acquireTime": spec.get("acquireTime") if mine else micro(now),
            "renewTime": micro(now),
            "leaseTransitions": transitions if mine or not spec else transitions + 1,
        }

    def _freed(self, spec: Object, now: float) -> Object | None:
        if spec.get("holderIdentity") != self._identity:
            return None
        at = micro(now)
        return {**spec, "holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": at, "renewTime": at}

    async def _let_go(self) -> None:
        """Let the others begin at once; where that fails they wait until the Lease is over."""
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self._terms.retry):
                await self._written(self._freed)


def _now() -> float:
    return asyncio.get_running_loop().time()
