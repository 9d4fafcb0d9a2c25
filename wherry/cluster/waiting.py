"""Waits for a running cluster to become ready: says what for, and why, and gives up at once on what cannot come."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wherry.cluster import addons, obstacles, readiness, reports, sandbox
from wherry.cluster.config import ClusterConfig
from wherry.cluster.errors import CannotStart, ClusterError
from wherry.cluster.obstacles import Obstacle
from wherry.cluster.paths import Paths
from wherry.cluster.readiness import Waiting
from wherry.objects.errors import ApiError

if TYPE_CHECKING:
    from wherry.client.http import HttpClient

Progress = Callable[[str], None]

READY_SECONDS = 120.0
LOOK_SECONDS = 0.1
"""How often the init's report is looked at while a cluster starts."""
QUIET_SECONDS = 5.0
"""How long a cluster may take without a reason being looked for, and how often one is after that."""
AGAIN_SECONDS = 1.0


def wait(config: ClusterConfig, paths: Paths, progress: Progress, *, put_back: bool) -> list[str]:
    """Return when the cluster is ready; raises ClusterError.

    With `put_back`, what is missing of its addons is created, and returned.
    """
    from wherry.client.http import connect  # here, while the sandbox starts, which need not wait for it

    async def watch() -> list[str]:
        client = connect(str(paths.kubeconfig))
        try:
            return await _Watch(config, paths, progress, client).ready(put_back=put_back)
        finally:
            await client.close()

    try:
        return asyncio.run(watch())
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None  # they end in one way, and all say the same


class _Watch:
    """One wait."""

    def __init__(self, config: ClusterConfig, paths: Paths, progress: Progress, client: HttpClient):
        self._config, self._paths, self._progress, self._client = config, paths, progress, client
        self._init = sandbox.running(paths)
        self._waiting: Sequence[Waiting] = ()
        self._obstacles: Sequence[Obstacle] = ()
        self._created: list[str] = []

    async def ready(self, *, put_back: bool) -> list[str]:
        """Await it and return what was put back; give up at once when the init dies, or a part that it needs."""
        if self._init is None:
            raise ClusterError(_epitaph(self._paths))
        beside = [_death(self._init, self._paths), _failure(self._init, self._paths), self._explain()]
        try:
            async with asyncio.timeout(READY_SECONDS), asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in beside]
                since = sandbox.since(self._paths) or 0.0
                if put_back:
                    await self._put_back()
                await readiness.wait_until_ready(self._client, self._config, since, self._tell)
                for task in tasks:
                    task.cancel()
        except TimeoutError as error:
            raise ClusterError(self._not_ready()) from error
        return self._created

    def _tell(self, waiting: Sequence[Waiting]) -> None:
        """Say what is waited for, and what keeps it once that is known."""
        self._waiting = waiting
        self._obstacles = obstacles.standing(self._obstacles, waiting)
        text = "waiting for " + (", ".join(f"{w.name} {w.ready}/{w.wanted}" for w in waiting) or "the API server")
        self._progress("; ".join([text, *map(str, self._obstacles)]))

    async def _explain(self) -> None:
        """Look for reasons when it takes longer than it should."""
        while True:
            await asyncio.sleep(QUIET_SECONDS)
            found = await obstacles.find(self._client, self._paths, self._init, self._waiting)
            if found != self._obstacles:
                self._obstacles = found
                self._tell(self._waiting)

    async def _put_back(self) -> None:
        """Create what somebody deleted of the addons, a namespace that is just going included, once it is gone."""
        while True:
            try:
                self._created += await addons.apply(self._client, addons.manifests(self._config))
            except (ApiError, TimeoutError):
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    def _not_ready(self) -> str:
        name = self._config.name
        reasons = "".join(f"\n  {reason}" for reason in self._obstacles)
        return (
            f"cluster {name} is not ready after {READY_SECONDS:.0f} s; it goes on trying: see "
            f"`wherry status --name {name}` and `wherry logs --name {name}`{reasons}"
        )


async def _death(pid: int, paths: Paths) -> None:
    """Raise ClusterError when the init has ended."""
    died = asyncio.Event()
    loop = asyncio.get_running_loop()
    handle = os.pidfd_open(pid)
    loop.add_reader(handle, died.set)
    try:
        await died.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    raise ClusterError(_epitaph(paths))


async def _failure(pid: int, paths: Paths) -> None:
    """Raise CannotStart when the init reports a component that does not start."""
    while (report := reports.fatal(reports.read(pid))) is None:  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(LOOK_SECONDS)
    name = paths.data.name
    raise CannotStart(
        f"cluster {name} cannot start, {report.component}: {report.reason}; `wherry doctor --name {name}` looks into it"
    )


def _epitaph(paths: Paths) -> str:
    log = paths.logs / "init.log"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else "(no log)"
    return f"the cluster's init ended; the end of {log}:\n{tail}"
