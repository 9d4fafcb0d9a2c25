"""Looks after a pod's running containers: probes, hooks, stopping, and what is told when one has ended."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Sequence

from wherry.node.pods import ending, hooks, state
from wherry.node.pods.memory import Memory
from wherry.node.pods.services import NodeServices
from wherry.node.probes.check import CheckError, Target
from wherry.node.probes.watcher import Watcher
from wherry.node.runtime.conmon import Exit
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

log = logging.getLogger(__name__)


class ContainerKeeper:
    """Looks after the running containers of the pod in `memory`; what takes time runs in `tasks`."""

    def __init__(self, node: NodeServices, memory: Memory, tasks: asyncio.TaskGroup):
        self._node = node
        self._memory = memory
        self._tasks = tasks
        self._watchers: dict[str, tuple[Watcher, asyncio.Task[None]]] = {}

    def follow(self, run: Instance) -> None:
        """Probe a running container and wait for its end."""
        container = self._memory.container(run.container)
        if Watcher.needed(container):
            self._probe(run, container)
        self._tasks.create_task(self._await_end(run, container))

    def _probe(self, run: Instance, container: Object) -> None:
        def changed() -> None:
            self._memory.health[run.id] = watcher.health
            self._memory.changed.set()

        # An agent that takes a container over believes what its predecessor had found.
        known = state.container_status(self._memory.pod, run.container)
        watcher = Watcher(
            container,
            self._target(run, container),
            run.started_at,
            changed,
            lambda text: self._memory.event("Warning", "Unhealthy", text, container),
            ready_before=bool(known.get("ready")) and known.get("containerID", "").endswith(run.id),
        )
        self._memory.health[run.id] = watcher.health
        self._watchers[run.id] = (watcher, self._tasks.create_task(watcher.run()))

    def _target(self, run: Instance, container: Object) -> Target:
        async def execute(command: Sequence[str], timeout: float) -> tuple[int, str]:
            return await self._node.containers.execute(run.id, command, timeout)

        return Target(container, self._memory.ip, self._node.session, execute)

    async def post_start(self, name: str) -> None:
        """Run the postStart hook of a container that has just started, and record how it went."""
        run, container = self._memory.running(name)
        if run is None:
            return
        try:
            await hooks.run(container["lifecycle"]["postStart"], self._target(run, container))
        except CheckError as error:
            self._memory.event("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}", container)
            self._memory.runs.change(run, hook="failed")
        else:
            self._memory.runs.change(run, hook="done")

    async def stop(self, name: str, grace: float, why: str) -> None:
        """Run the preStop hook, then send the stop signal. With no grace the plan's kill is all that comes."""
        run, container = self._memory.running(name)
        if run is None:
            return
        if not run.stopping_at:
            run = self._memory.runs.change(run, stopping_at=time.time(), stopping_grace=grace)
            if run.id in self._watchers:
                self._watchers[run.id][0].ending()
            self._memory.event("Normal", "Killing", why, container)
        left = run.stopping_at + grace - time.time()
        handler = (container.get("lifecycle") or {}).get("preStop")
        if handler and left > 0:
            try:
                await hooks.run(handler, self._target(run, container), left)
            except CheckError as error:
                self._memory.event("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container)
        if grace > 0:
            self._node.containers.signal(run, stop_signal(run.stop_signal))
        self._memory.runs.change(run, signalled_at=time.time())

    async def kill(self, name: str) -> None:
        """End a container at once."""
        run, _ = self._memory.running(name)
        if run is not None:
            await self._node.containers.kill(run)
            self._memory.runs.change(run, killed_at=time.time())  # not before: an agent killed in between kills again

    async def _await_end(self, run: Instance, container: Object) -> None:
        end = await self._node.containers.wait(run)
        _, probing = self._watchers.pop(run.id, (None, None))
        if probing is not None:
            probing.cancel()
        self._memory.health.pop(run.id, None)
        key = f"{run.container}/retire"
        self._memory.busy.add(key)
        try:
            await self._record(run, container, end)
            self._memory.changed.set()
            await self._node.containers.retire(run)
        finally:
            self._memory.busy.discard(key)
            self._memory.changed.set()

    async def _record(self, run: Instance, container: Object, end: Exit) -> None:
        memory, containers = self._memory, self._node.containers
        bundle, log_path = containers.bundle(run.id), containers.log_path(memory.pod, run)
        text = await asyncio.to_thread(ending.message, container, end.code, bundle, log_path)
        run = memory.runs.get(run)
        run = memory.runs.change(run, **ending.changes(end, run, memory.runs.before(run), text))
        log.info("container ended: pod=%s container=%s code=%d", memory.name, run.container, end.code)
        if run.backoff and state.needs_run(memory.pod, container, run) and not run.stopping_at:
            who = f"{run.container} in pod {memory.name}({memory.uid})"
            memory.event("Warning", "BackOff", f"Back-off restarting failed container {who}", container)


def stop_signal(name: str) -> signal.Signals:
    """Return a stop signal by name or number; one that is not known here is SIGTERM."""
    try:
        return signal.Signals(int(name)) if name.isdigit() else signal.Signals[name]
    except (KeyError, ValueError):
        return signal.SIGTERM
