"""What follows a decision: the binding, or the reason why there is none; the events and conditions that tell of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.meaning.disruption import DISRUPTION_TARGET
from wherry.objects.meaning.volumes import SELECTED_NODE, bound_volume
from wherry.objects.metadata import condition, set_condition
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from wherry.objects.timestamps import rfc3339
from wherry.scheduler.claims import Choice
from wherry.scheduler.pod import Pod
from wherry.scheduler.preempt import Preemption
from wherry.scheduler.queue import Queue, Waiting
from wherry.scheduler.snapshot import Snapshot
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

attempts = metrics.counter("scheduler_schedule_attempts_total", "Attempts to give a pod a node.", ["result"])
victims = metrics.histogram("scheduler_preemption_victims", "Pods that had to go for one that is more important.")


class Outcome:
    """Writes outcomes. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        client: Client,
        snapshot: Snapshot,
        queue: Queue,
        recorder: EventRecorder,
        clock: Callable[[], float],
        name: str = "default-scheduler",
    ):
        self._client = client
        self._snapshot = snapshot
        self._queue = queue
        self._recorder = recorder
        self._clock = clock
        self._name = name

    async def bind(self, waiting: Waiting, node: str) -> None:
        """Bind the pod to the node assumed for it; what fails is taken back, and tried again after a pause."""
        pod = waiting.pod
        namespace, name = pod.key
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            await self._client.create(PODS, binding, namespace, name=name, subresource="binding")
        except ApiError as error:
            # Gone, being deleted, or bound by somebody else: the watch will tell, and the queue forgets it then.
            attempts.labels("error").inc()
            log.warning("binding failed pod=%s/%s node=%s error=%s", namespace, name, node, error)
            self._snapshot.forget(pod.uid)
            self._queue.retry(waiting)
            return
        attempts.labels("scheduled").inc()
        self._queue.remove(pod.uid)
        text = f"Successfully assigned {namespace}/{name} to {node}"
        self._recorder.event(PODS, pod.obj, "Normal", "Scheduled", text)

    async def choose_volumes(self, waiting: Waiting, choices: Sequence[Choice], node: str) -> None:
        """Say which volume each claim is to have, or that one is to be made for `node`; others bind them, and tell.

        Source: upstream pkg/scheduler/framework/plugins/volumebinding/binder.go (BindPodVolumes).
        """
        try:
            for claim, volume in choices:
                if volume is None:
                    await self._annotate(claim, node)
                elif not volume["spec"].get("claimRef"):
                    await self._client.update(PERSISTENT_VOLUMES, bound_volume(volume, claim))
        except ApiError as error:
            log.warning("volumes not chosen pod=%s/%s node=%s error=%s", *waiting.pod.key, node, error)
            self._queue.retry(waiting)

    async def _annotate(self, claim: Object, node: str) -> None:
        if metadata.annotations(claim).get(SELECTED_NODE) != node:
            annotations = {**metadata.annotations(claim), SELECTED_NODE: node}
            meta = {**claim["metadata"], "annotations": annotations}
            await self._client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": meta})

    async def preempt(self, pod: Pod, message: str, found: Preemption, rivals: Sequence[Pod]) -> None:
        """Have the victims go, and say on which node that makes room; `rivals` no longer wait for it."""
        for victim in found.victims:
            if not victim.being_deleted:
                await self._drive_out(victim, pod, found.node)
        for rival in rivals:
            await self._write_status(rival, {"nominatedNodeName": None})
        victims.observe(len(found.victims))
        await self.explain(pod, message, node=found.node)

    async def _drive_out(self, victim: Pod, pod: Pod, node: str) -> None:
        namespace, name = victim.key
        text = f"{self._name}: preempting to accommodate a higher priority pod"
        conditions = (victim.obj.get("status") or {}).get("conditions")
        why = set_condition(
            conditions, DISRUPTION_TARGET, "True", "PreemptionByScheduler", text, rfc3339(self._clock())
        )
        await self._write_status(victim, {"conditions": why})
        try:
            await self._client.delete(PODS, name, namespace, uid=victim.uid)
        except (NotFound, Conflict):
            return  # it has gone by itself
        except ApiError as error:
            log.warning("pod not driven out pod=%s/%s error=%s", namespace, name, error)
            return
        self._recorder.event(PODS, victim.obj, "Normal", "Preempted", f"Preempted by pod {pod.uid} on node {node}")

    async def explain(self, pod: Pod, message: str, *, node: str = "", keeps: bool = False) -> None:
        """Tell why the pod has no node: an event every time, the condition when it changes.

        `node` is the one it is nominated for; the one it was nominated for before counts no more, unless it `keeps` it.
        """
        attempts.labels("unschedulable").inc()
        self._recorder.event(PODS, pod.obj, "Warning", "FailedScheduling", message)
        status: Object = {}
        old = condition(pod.obj, "PodScheduled")
        if old is None or (old["status"], old.get("message")) != ("False", message):
            conditions = (pod.obj.get("status") or {}).get("conditions")
            status["conditions"] = set_condition(
                conditions, "PodScheduled", "False", "Unschedulable", message, rfc3339(self._clock())
            )
        if not keeps and node != pod.nominated_node:
            status["nominatedNodeName"] = node or None
        if status:
            await self._write_status(pod, status)

    async def _write_status(self, pod: Pod, status: Object) -> None:
        namespace, name = pod.key
        change = {"metadata": {"uid": pod.uid}, "status": status}
        try:
            await self._client.patch(PODS, name, change, namespace, subresource="status")
        except NotFound:
            return
        except ApiError as error:
            log.warning("status not written pod=%s/%s error=%s", namespace, name, error)
