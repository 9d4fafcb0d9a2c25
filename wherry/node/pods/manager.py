"""All pods of the node: one worker each, and what the streaming server may know of them (`ContainerRuntime`)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from wherry.component.informer import Informer
from wherry.node.pods import leftovers, state
from wherry.node.pods.services import NodeServices
from wherry.node.pods.worker import PodWorker
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.interface import ContainerHandle
from wherry.node.runtime.logrotation import GrowingLog
from wherry.objects import Object, metadata
from wherry.objects.errors import BadRequest, NotFound

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class PodManager:
    """Keeps a worker for each pod in `pods` (an informer of this node's), and for each that has left something here."""

    def __init__(self, node: NodeServices, pods: Informer, tasks: asyncio.TaskGroup, state_dir: Path):
        self._node = node
        self._state_dir = state_dir
        self._pods = pods
        self._tasks = tasks
        self._workers: dict[str, PodWorker] = {}  # by uid
        self._records: dict[str, list[Instance]] = defaultdict(list)

    async def start(self) -> None:
        """Take over what is here, once the API's pods and Services are known, and follow the pods from then on."""
        await self._pods.wait_synced()
        await self._node.services.wait_synced()
        for run in await self._begun(await asyncio.to_thread(self._node.containers.recover)):
            self._records[run.pod_uid].append(run)
        # Listed before any worker makes a folder: what is in it and has no worker afterwards is nobody's.
        sandboxes = await asyncio.to_thread(self._node.sandboxes.present)
        folders = await asyncio.to_thread(leftovers.find, self._state_dir)
        self._pods.subscribe(self._changed)
        for uid in sandboxes:
            if uid not in self._workers:
                await self._adopt(uid)
        if sandboxes:
            await self._node.host_ports.sync()
        for uid in [uid for uid in self._records if uid not in self._workers]:
            for run in self._records.pop(uid):
                await self._node.containers.forget(run)
        await asyncio.to_thread(leftovers.remove, folders, set(self._workers))

    async def _adopt(self, uid: str) -> None:
        """See to the end of a pod the API does not know any more."""
        pod = self._node.sandboxes.pod(uid)
        if pod is not None:
            log.info("pod is not in the API any more: pod=%s", metadata.key(pod))
            self._work(pod).update(None)
        else:  # the agent was killed while it made the sandbox: no container can have run
            await asyncio.to_thread(self._node.sandboxes.tear_down, uid)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            worker = self._workers.get(old["metadata"]["uid"])
            if worker is not None:
                worker.update(None)
        if new is not None:
            worker = self._workers.get(new["metadata"]["uid"])
            if worker is not None:
                worker.update(new)
            else:
                self._work(new)

    def _work(self, pod: Object) -> PodWorker:
        uid = pod["metadata"]["uid"]
        worker = PodWorker(self._node, pod, self._records.pop(uid, ()))
        self._workers[uid] = worker
        self._tasks.create_task(self._run(worker))
        return worker

    async def _run(self, worker: PodWorker) -> None:
        """Run a worker, and its successors: one that fails of a fault of ours must not take the other pods along."""
        uid, pause, failed = worker.memory.uid, FIRST_PAUSE_SECONDS, False
        while True:
            try:
                if failed:
                    worker = self._workers[uid] = await self._succeed(worker)
                    failed = False
                await worker.run()
            except Exception as error:  # what a worker cannot handle is by nature not known here
                failed = True
                log.exception("pod worker failed: pod=%s again_in=%.0f", worker.memory.name, pause)
                worker.memory.event("Warning", "FailedSync", f"error syncing pod, again in {pause:.0f}s: {error!r}")
            else:
                del self._workers[uid]
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _succeed(self, failed: PodWorker) -> PodWorker:
        """Return a worker that takes the pod over as a new agent's would: from what is on disk."""
        found = await asyncio.to_thread(self._node.containers.recover, failed.memory.uid)
        worker = PodWorker(self._node, failed.memory.pod, await self._begun(found))
        if failed.memory.gone:
            worker.update(None)
        return worker

    async def _begun(self, found: Iterable[Instance]) -> list[Instance]:
        """Return the runs that got to run, having finished what was cut short: starts, and what follows an end."""
        runs, containers = [], self._node.containers
        for run in found:
            if not run.started_at:
                await containers.abort(run)
                continue
            if run.finished and not containers.is_retired(run):
                await containers.retire(run)
            runs.append(run)
        return runs

    def growing_logs(self) -> Iterator[GrowingLog]:
        """Yield the logs of the containers that run now."""
        containers = self._node.containers
        for worker in self._workers.values():
            for run in worker.memory.runs:
                if run.running:
                    yield GrowingLog(containers.log_path(worker.memory.pod, run), containers.bundle(run.id))

    # ContainerRuntime

    def pods(self) -> list[Object]:
        """See `ContainerRuntime.pods`."""
        return [worker.current_pod() for worker in self._workers.values()]

    def network_namespace(self, namespace: str, pod: str) -> Path | None:
        """See `ContainerRuntime.network_namespace`."""
        worker = self._worker(namespace, pod)
        if worker.memory.sandbox is None:
            raise BadRequest(f"pod {pod}_{namespace} has no network yet")
        return self._node.sandboxes.namespaces(worker.memory.pod).network

    def find(self, namespace: str, pod: str, container: str = "") -> ContainerHandle:
        """See `ContainerRuntime.find`."""
        worker = self._worker(namespace, pod)
        spec = _choose(worker.memory.pod, container)
        run = worker.memory.runs.latest(spec["name"])
        if run is None:
            raise BadRequest(_still_waiting(worker.current_pod(), spec["name"]))
        containers = self._node.containers
        previous = _previous(worker, run)
        return ContainerHandle(
            id=run.id,
            namespace=namespace,
            pod=pod,
            container=spec["name"],
            binary=containers.programs.runtime,
            root=containers.root,
            bundle=containers.bundle(run.id),
            pid=containers.pid(run.id) if run.running else 0,
            tty=bool(spec.get("tty")),
            stdin=bool(spec.get("stdin")),
            log_path=containers.log_path(worker.memory.pod, run),
            previous_log_path=containers.log_path(worker.memory.pod, previous) if previous else None,
            attach_socket=containers.attach_socket(run.id),
            network_namespace=self._node.sandboxes.namespaces(worker.memory.pod).network,
        )

    def _worker(self, namespace: str, pod: str) -> PodWorker:
        known = self._pods.get(namespace, pod)
        worker = self._workers.get(known["metadata"]["uid"]) if known else None
        if worker is None:
            raise NotFound.of("pods", pod)
        return worker


def _choose(pod: Object, container: str) -> Object:
    everyone = state.everyone(pod)
    if not container:
        container = metadata.annotations(pod).get(DEFAULT_CONTAINER, "")
    if not container and len(pod["spec"]["containers"]) == 1:
        container = pod["spec"]["containers"][0]["name"]
    name = pod["metadata"]["name"]
    if not container:
        choices = " ".join(c["name"] for c in pod["spec"]["containers"])
        raise BadRequest(f"a container name must be specified for pod {name}, choose one of: [{choices}]")
    for found in everyone:
        if found["name"] == container:
            return found
    raise BadRequest(f"container {container} is not valid for pod {name}")


def _still_waiting(pod: Object, container: str) -> str:
    waiting = (state.container_status(pod, container).get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason") or "ContainerCreating"
    return f'container "{container}" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}'


def _previous(worker: PodWorker, run: Instance) -> Instance | None:
    """Return the run `lastState` tells about: the last one itself while its container waits to start again."""
    status = state.container_status(worker.current_pod(), run.container)
    told = ((status.get("lastState") or {}).get("terminated") or {}).get("containerID", "")
    return next((one for one in (run, worker.memory.runs.before(run)) if one and told.endswith(one.id)), None)
