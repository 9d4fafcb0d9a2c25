"""The probes of one running container: startup first, then liveness and readiness side by side.

The first try comes right after the initial delay, counted from the container's start; the next ones every period.
A container that is not ready yet is looked at in between as well, as the API allows ("Configure Probes" on
periodSeconds): that it is ready is seen after a fifth more of the time it took. Commands are too dear for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from wherry.node.probes import probe as probes
from wherry.node.probes.check import CheckError, ProbeTarget, check
from wherry.node.probes.health import ContainerHealth
from wherry.node.probes.probe import Probe, Series
from wherry.objects import Object

TITLES = {"startup": "Startup", "liveness": "Liveness", "readiness": "Readiness"}

EARLY_SECONDS = 0.1
"""The least time between tries in between."""
EARLY_PART = 0.2
"""The time between them as a part of the container's age: they get rarer the longer it takes."""

Report = Callable[[str], None]


class Watcher:
    """Keeps `health` of a container that started at `started_at` (epoch seconds).

    `changed` is called after every change of `health`, `unhealthy` with the message of every failed try.
    `ready_before`: an earlier agent had found it ready, and nothing has happened since.
    """

    def __init__(
        self,
        container: Object,
        target: ProbeTarget,
        started_at: float,
        changed: Callable[[ContainerHealth], None],
        unhealthy: Report,
        *,
        ready_before: bool = False,
    ):
        self._probes = {kind: probes.of(container, kind) for kind in ("startup", "liveness", "readiness")}
        self._target = target
        self._started_at = started_at
        self._changed = changed
        self._unhealthy = unhealthy
        self._ending = False
        self.health = ContainerHealth(
            started=self._probes["startup"] is None or ready_before,
            ready=self._probes["readiness"] is None or ready_before,
        )

    def ending(self) -> None:
        """The container has been asked to end: only its readiness matters now."""
        self._ending = True

    @staticmethod
    def needed(container: Object) -> bool:
        """Tell whether the container has any probe."""
        return any(container.get(f"{kind}Probe") for kind in TITLES)

    async def run(self) -> None:
        """Probe until cancelled, or until the container has to be restarted."""
        startup = self._probes["startup"]
        if startup is not None and not self.health.started:
            await self._follow(startup, until_decided=True)
            if not self.health.started:
                return
        async with asyncio.TaskGroup() as tasks:
            for kind in ("liveness", "readiness"):
                probe = self._probes[kind]
                if probe is not None:
                    tasks.create_task(self._follow(probe))

    async def _follow(self, probe: Probe, *, until_decided: bool = False) -> None:
        initially = self.health.ready if probe.kind == "readiness" else probes.INITIALLY[probe.kind]
        series = Series(probe, initially)
        await asyncio.sleep(max(0.0, self._started_at + probe.initial_delay - time.time()))
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._ending or probe.kind == "readiness":
            success = await self._try(probe)
            if series.add(success):
                self._set(probe, series.holds)
                if until_decided or (probe.kind == "liveness" and not series.holds):
                    return
            due = max(due + probe.period, loop.time())
            if probe.kind == "readiness" and not series.holds and not success and "exec" not in probe.action:
                await self._until_it_may_succeed(probe, due)
                due = loop.time()
            else:
                await asyncio.sleep(due - loop.time())

    async def _until_it_may_succeed(self, probe: Probe, end: float) -> None:
        """Return at `end`, on the loop's clock, or after a try in between that would succeed. None is counted."""
        loop = asyncio.get_running_loop()
        while True:
            pause = max(EARLY_SECONDS, (time.time() - self._started_at) * EARLY_PART)
            if loop.time() + pause >= end:
                return await asyncio.sleep(end - loop.time())
            await asyncio.sleep(pause)
            with contextlib.suppress(CheckError):
                return await check(probe.action, self._target, probe.timeout)

    async def _try(self, probe: Probe) -> bool:
        try:
            await check(probe.action, self._target, probe.timeout)
        except CheckError as error:
            self._unhealthy(f"{TITLES[probe.kind]} probe failed: {error}")
            return False
        return True

    def _set(self, probe: Probe, holds: bool) -> None:
        before = self.health
        match probe.kind:
            case "readiness":
                self.health = replace(before, ready=holds)
            case "liveness":
                self.health = replace(before, live=holds, grace=None if holds else probe.grace)
            case "startup":
                self.health = replace(before, started=holds, live=holds, grace=None if holds else probe.grace)
        if self.health != before:
            self._changed(self.health)
