"""All pods of the node: one worker each."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from wherry.component.informer import Informer
from wherry.component.supervise import keep
from wherry.component.troubles import Part
from wherry.node.pods.act import leftovers
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.telling import tell
from wherry.node.pods.plan.admission import rejection, was_taken_in
from wherry.node.pods.resizes import Resizes
from wherry.node.pods.worker import PodWorker
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.logrotation import GrowingLog
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.pods import is_mirror, is_static
from wherry.objects.metadata import Key

log = logging.getLogger(__name__)


class PodManager:
    """Keeps a worker for each pod in `pods` (an informer of this node's), and for each that has left something here."""

    def __init__(self, node: NodeServices, pods: Informer, tasks: asyncio.TaskGroup, state_dir: Path, part: Part):
        self._node = node
        self._state_dir = state_dir
        self._pods = pods
        self._tasks = tasks
        self._part = part
        self._workers: dict[str, PodWorker] = {}  # by uid
        self._records: dict[str, list[Instance]] = defaultdict(list)
        self._sandboxes: list[str] = []
        self._folders: dict[Path, str] = {}
        self._running: dict[Key, str] = {}  # the uids of static pods that have a worker
        self.static: dict[Key, Object] = {}
        self._resizes = Resizes(node.allocatable, self._workers, self._taken_in)

    async def begin(self) -> None:
        """Find what is here, and take over the static pods: the API is not asked for them. Then `keep_static`."""
        for run in await self._begun(await asyncio.to_thread(self._node.containers.recover)):
            self._records[run.pod_uid].append(run)
        # Listed before any worker makes a folder: what is in it and has no worker afterwards is nobody's.
        self._sandboxes = await asyncio.to_thread(self._node.sandboxes.present)
        self._folders = await asyncio.to_thread(leftovers.find, self._state_dir)
        for uid in self._sandboxes:
            pod = self._node.sandboxes.pod(uid)
            if pod is not None and is_static(pod):
                self._running[metadata.key(pod)] = self._work(pod).uid

    async def start(self) -> None:
        """Take over the rest, once the API's pods and Services are known, and follow the pods from then on."""
        await self._pods.wait_synced()
        await self._node.services.wait_synced()
        self._pods.subscribe(self._changed)
        for uid in self._sandboxes:
            if uid not in self._workers:
                await self._adopt(uid)
        if self._sandboxes:
            await self._node.host_ports.sync()
        for uid in [uid for uid in self._records if uid not in self._workers]:
            for run in self._records.pop(uid):
                await self._node.containers.forget(run)
        await asyncio.to_thread(leftovers.remove, self._folders, set(self._workers))

    def keep_static(self, pods: Mapping[Key, Object]) -> None:
        """Run these static pods, and no others; one that has changed begins when what it was has ended."""
        before, self.static = self.static, dict(pods)
        for key in {*before, *pods, *self._running}:
            self._keep_static(key)

    def _keep_static(self, key: Key) -> None:
        wanted, uid = self.static.get(key), self._running.get(key)
        if uid is not None:
            if wanted is None or wanted["metadata"]["uid"] != uid:
                self._workers[uid].update(None)
        elif wanted is not None:
            worker = self._work(wanted)
            self._running[key] = worker.uid
            if (mirror := self._pods.get(*key)) is not None and is_mirror(mirror):
                worker.mirrored(mirror)

    async def _adopt(self, uid: str) -> None:
        """See to the end of a pod the API does not know any more."""
        pod = self._node.sandboxes.pod(uid)
        if pod is not None:
            log.info("pod is not in the API any more: pod=%s", metadata.key(pod))
            self._work(pod).update(None)
        else:  # the agent was killed while it made the sandbox: no container can have run
            await asyncio.to_thread(self._node.sandboxes.tear_down, uid)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and is_mirror(old):
            old = None
        if new is not None and is_mirror(new):
            if uid := self._running.get(metadata.key(new)):
                self._workers[uid].mirrored(new)
            new = None
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            worker = self._workers.get(old["metadata"]["uid"])
            if worker is not None:
                worker.update(None)
            self._resizes.changed(old["metadata"]["uid"])
        if new is not None:
            worker = self._workers.get(new["metadata"]["uid"])
            if worker is not None:
                worker.update(new)
            else:
                self._work(new)
            self._resizes.changed(new["metadata"]["uid"])

    def _work(self, pod: Object) -> PodWorker:
        uid = pod["metadata"]["uid"]
        why = rejection(pod, self._taken_in(uid))
        worker = PodWorker(self._node, pod, self._records.pop(uid, ()), why)
        self._workers[uid] = worker
        self._tasks.create_task(self._run(worker))
        return worker

    def _taken_in(self, newcomer: str) -> Iterator[Object]:
        """Yield the node's pods but the newcomer and those that were rejected."""
        for uid in self._running.values():
            if uid != newcomer and self._workers[uid].state.rejected is None:
                yield self._workers[uid].current_pod()
        for pod in self._pods.items():
            uid = pod["metadata"]["uid"]
            if is_mirror(pod) or uid == newcomer:
                continue
            worker = self._workers.get(uid)
            if worker is not None and worker.state.rejected is None:
                yield worker.allocated_pod()
            elif worker is None and was_taken_in(pod):
                yield pod

    async def _run(self, worker: PodWorker) -> None:
        """Run a worker, and its successors: one that fails of a fault of ours must not take the other pods along."""
        uid, failed = worker.uid, False

        async def live() -> None:
            nonlocal worker, failed
            if failed:
                worker = self._workers[uid] = await self._succeed(worker)
                failed = False
            try:
                await worker.run()
            except Exception as error:
                failed = True
                text = f"error syncing pod, it is tried again: {error!r}"
                tell(self._node.events, worker.pod, "Warning", "FailedSync", text)
                raise

        await keep(live, self._part, uid, forever=False)
        del self._workers[uid]
        key = metadata.key(worker.pod)
        if self._running.get(key) == uid:
            del self._running[key]
            self._keep_static(key)
            self._resizes.changed(uid)

    async def _succeed(self, failed: PodWorker) -> PodWorker:
        """Return a worker that takes the pod over as a new agent's would: from what is on disk."""
        found = await asyncio.to_thread(self._node.containers.recover, failed.uid)
        worker = PodWorker(self._node, failed.pod, await self._begun(found), failed.state.rejected)
        if failed.state.gone:
            worker.update(None)
        return worker

    async def _begun(self, found: Iterable[Instance]) -> list[Instance]:
        """Return the runs that got to run; starts that were cut short are undone."""
        runs = list(found)
        for run in runs:
            if not run.started_at:
                await self._node.containers.abort(run)
        return [run for run in runs if run.started_at]

    def growing_logs(self) -> Iterator[GrowingLog]:
        """Yield the logs of the containers that run now."""
        containers = self._node.containers
        for worker in self._workers.values():
            for run in worker.state.every_run():
                if run.running:
                    yield GrowingLog(containers.log_path(worker.pod, run), containers.bundle(run.id))

    def worker(self, namespace: str, pod: str) -> PodWorker:
        """Return the worker of a pod of this node; raises NotFound."""
        uid, known = self._running.get((namespace, pod)), self._pods.get(namespace, pod)
        if uid is None and known is not None:
            uid = known["metadata"]["uid"]
        worker = self._workers.get(uid) if uid else None
        if worker is None:
            raise NotFound.of("pods", pod)
        return worker

    def workers(self) -> list[PodWorker]:
        """Return the workers of all pods."""
        return list(self._workers.values())
