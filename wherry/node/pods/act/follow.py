"""Looks after one running container: its probes, and what is told when it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from wherry.node.pods.act import exits as messages
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.telling import called, tell
from wherry.node.pods.plan.containers import container_of, container_status
from wherry.node.pods.plan.events import Event, HealthChanged, RunChanged
from wherry.node.pods.plan.lifetime import needs_run
from wherry.node.pods.plan.state import State
from wherry.node.pods.status import exits
from wherry.node.probes.watcher import Watcher
from wherry.node.runtime.conmon import Exit
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

log = logging.getLogger(__name__)


class Follower:
    """Follows `run`. `post` takes what it has to say, `now` returns the pod's state.

    Made, it has said how a probed container begins: until then its state would read as one without a probe.
    """

    def __init__(
        self, node: NodeServices, pod: Object, run: Instance, now: Callable[[], State], post: Callable[[Event], None]
    ):
        self._node = node
        self._pod = pod
        self._run = run
        self._container = container_of(pod, run.container)
        self._now = now
        self._post = post
        self._watcher: Watcher | None = None
        if Watcher.needed(self._container):
            self._watcher = self._watch()
            post(HealthChanged(run.id, self._watcher.health))

    def _watch(self) -> Watcher:
        # An agent that takes a container over believes what its predecessor had found.
        known = container_status(self._pod, self._run.container)
        return Watcher(
            self._container,
            self._node.probe_target(self._run, self._container, self._now().ip),
            self._run.started_at,
            lambda health: self._post(HealthChanged(self._run.id, health)),
            lambda text: tell(self._node.events, self._pod, "Warning", "Unhealthy", text, self._container),
            ready_before=bool(known.get("ready")) and known.get("containerID", "").endswith(self._run.id),
        )

    def ending(self) -> None:
        """The container has been asked to end."""
        if self._watcher is not None:
            self._watcher.ending()

    async def run(self) -> None:
        """Follow the container to its end, and tell that."""
        probing = None
        if self._watcher is not None:
            probing = asyncio.create_task(self._watcher.run())
        try:
            end = await self._node.containers.wait(self._run)
        finally:
            if probing is not None:
                probing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await probing
        await self._record(end)
        self._post(HealthChanged(self._run.id, None))  # not before: a running one of no health reads as without a probe

    async def _record(self, end: Exit) -> None:
        containers, name = self._node.containers, self._run.container
        bundle, log_path = containers.bundle(self._run.id), containers.log_path(self._pod, self._run)
        text = await asyncio.to_thread(messages.message, self._container, end.code, bundle, log_path)
        state = self._now()
        run = next((run for run in state.runs[name] if run.id == self._run.id), self._run)
        changes = exits.changes(self._pod, end, run, state.before(run), text)
        self._post(RunChanged(run, changes))
        log.info("container ended: pod=%s container=%s code=%d", called(self._pod), name, end.code)
        ended = run.but(**changes)
        if ended.backoff and needs_run(self._pod, self._container, ended) and not ended.stopping_at:
            who = f"{name} in pod {called(self._pod)}({self._pod['metadata']['uid']})"
            text = f"Back-off restarting failed container {who}"
            tell(self._node.events, self._pod, "Warning", "BackOff", text, self._container)
