"""What the streaming server may know of the node's pods (`ContainerRuntime`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.manager import PodManager
from wherry.node.pods.plan.containers import container_status, everyone
from wherry.node.pods.worker import PodWorker
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.interface import ContainerHandle
from wherry.node.stats import PodGroups
from wherry.objects import Object, metadata
from wherry.objects.errors import BadRequest
from wherry.objects.meaning.wellknown import DEFAULT_CONTAINER


class PodView:
    """Answers from what the pods' workers know."""

    def __init__(self, node: NodeServices, manager: PodManager):
        self._node = node
        self._manager = manager

    def pods(self) -> list[Object]:
        """See `ContainerRuntime.pods`."""
        return [worker.current_pod() for worker in self._manager.workers()]

    def groups(self) -> Iterator[PodGroups]:
        """Yield the pods that have something running, with their control groups."""
        for worker in self._manager.workers():
            group = self._node.sandboxes.cgroup(worker.uid)
            runs = [run for run in worker.state.every_run() if run.running]
            if runs:
                containers = {run.container: (run.started_at, f"{group}/{run.id}") for run in runs}
                yield PodGroups(worker.current_pod(), group, containers)

    def network_namespace(self, namespace: str, pod: str) -> Path | None:
        """See `ContainerRuntime.network_namespace`."""
        worker = self._manager.worker(namespace, pod)
        if worker.state.sandbox is None:
            raise BadRequest(f"pod {pod}_{namespace} has no network yet")
        return self._node.sandboxes.namespaces(worker.pod).network

    def find(self, namespace: str, pod: str, container: str = "") -> ContainerHandle:
        """See `ContainerRuntime.find`."""
        worker = self._manager.worker(namespace, pod)
        spec = _choose(worker.pod, container)
        run = worker.state.latest(spec["name"])
        if run is None:
            raise BadRequest(_still_waiting(worker.current_pod(), spec["name"]))
        containers = self._node.containers
        previous = _previous(worker, run)
        return ContainerHandle(
            id=run.id,
            namespace=namespace,
            pod=pod,
            container=spec["name"],
            binary=containers.programs.of(run.handler if not run.inherited else ""),
            root=containers.root,
            bundle=containers.bundle(run.id),
            pid=containers.pid(run.id) if run.running else 0,
            tty=bool(spec.get("tty")),
            stdin=bool(spec.get("stdin")),
            log_path=containers.log_path(worker.pod, run),
            previous_log_path=containers.log_path(worker.pod, previous) if previous else None,
            attach_socket=containers.attach_socket(run.id),
            network_namespace=self._node.sandboxes.namespaces(worker.pod).network,
        )


def _choose(pod: Object, container: str) -> Object:
    if not container:
        container = metadata.annotations(pod).get(DEFAULT_CONTAINER, "")
    if not container and len(pod["spec"]["containers"]) == 1:
        container = pod["spec"]["containers"][0]["name"]
    name = pod["metadata"]["name"]
    if not container:
        choices = " ".join(c["name"] for c in pod["spec"]["containers"])
        raise BadRequest(f"a container name must be specified for pod {name}, choose one of: [{choices}]")
    for found in everyone(pod):
        if found["name"] == container:
            return found
    raise BadRequest(f"container {container} is not valid for pod {name}")


def _still_waiting(pod: Object, container: str) -> str:
    waiting = (container_status(pod, container).get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason") or "ContainerCreating"
    return f'container "{container}" in pod "{pod["metadata"]["name"]}" is waiting to start: {reason}'


def _previous(worker: PodWorker, run: Instance) -> Instance | None:
    """Return the run `lastState` tells about: the last one itself while its container waits to start again."""
    status = container_status(worker.current_pod(), run.container)
    told = ((status.get("lastState") or {}).get("terminated") or {}).get("containerID", "")
    return next((one for one in (run, worker.state.before(run)) if one and told.endswith(one.id)), None)
