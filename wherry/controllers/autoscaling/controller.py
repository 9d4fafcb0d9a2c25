"""The loop of the HorizontalPodAutoscaler controller."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.controllers.autoscaling import decide
from wherry.controllers.autoscaling.decide import Decision
from wherry.controllers.autoscaling.pace import Memory
from wherry.controllers.autoscaling.usage import Sample, Unknown
from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata, quantity, selectors
from wherry.objects.durations import seconds
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.metadata import Key
from wherry.objects.resource import (
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    POD_METRICS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from wherry.objects.timestamps import parse, rfc3339

SYNC_SECONDS = 15.0
"""How often use is looked at, as upstream's controller does: nothing announces a change."""
_FOUND = ("True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")
_KNOWN = {(r.group, r.kind): r for r in (DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS)}


class HorizontalPodAutoscalerController(Controller):
    """Scales what each autoscaler is about."""

    name = "horizontalpodautoscaling"

    def __init__(self, context: Context):
        super().__init__(context)
        self._autoscalers = context.informer(HORIZONTAL_POD_AUTOSCALERS)
        self._pods = context.by_namespace(PODS)
        self._recorder = context.recorder("horizontal-pod-autoscaler")
        self._memory: dict[Key, Memory] = {}
        self._autoscalers.subscribe(self._changed)
        self._watched.append(self._autoscalers)

    async def reconcile(self, key: Key) -> None:
        """Look at what the pods use, and follow it."""
        autoscaler = self._autoscalers.get(*key)
        if autoscaler is None:
            self._memory.pop(key, None)
            return
        self.queue.add_after(key, SYNC_SECONDS)
        target = self._target(autoscaler)
        try:
            scale = await self._scale(autoscaler, target)
        except ApiError as error:
            await self._lost(autoscaler, error)
            return
        replicas, there = scale["spec"].get("replicas") or 0, (scale.get("status") or {}).get("replicas") or 0
        memory, now = self._memory.setdefault(key, Memory()), self.context.clock()
        decision = await self._decide(autoscaler, scale, replicas, memory, now)
        decision.conditions = {"AbleToScale": _FOUND} | decision.conditions
        for reason, text in decision.events:
            self._recorder.event(HORIZONTAL_POD_AUTOSCALERS, autoscaler, "Warning", reason, text)
        if decision.replicas != replicas and target is not None:
            await self._rescale(autoscaler, target, decision, replicas, memory)
        status = decide.status(autoscaler, decision, replicas, there, now)
        await self.write_status(HORIZONTAL_POD_AUTOSCALERS, autoscaler, status)

    async def _decide(self, autoscaler: Object, scale: Object, replicas: int, memory: Memory, now: float) -> Decision:
        if not decide.measures(autoscaler, replicas):
            return decide.unmeasured(autoscaler, replicas)
        selector = (scale.get("status") or {}).get("selector")
        if not selector:
            return decide.unselected(replicas)
        matching = selectors.parse_labels(selector)
        namespace = autoscaler["metadata"]["namespace"]
        pods = [pod for pod in self._pods.get(namespace) if matching.matches(metadata.labels(pod))]
        samples = await self._samples(namespace, selector)
        return decide.decide(autoscaler, pods, samples, replicas, memory, now)

    async def _samples(self, namespace: str, selector: str) -> Mapping[str, Sample] | Unknown:
        try:
            found = await self.client.list(POD_METRICS, namespace, labels=selector)
        except ApiError as error:
            return Unknown(f"unable to fetch metrics from resource metrics API: {error.message}")
        return {item["metadata"]["name"]: sample(item) for item in found.items}

    def _target(self, autoscaler: Object) -> Resource | None:
        reference = autoscaler["spec"]["scaleTargetRef"]
        named = (reference.get("apiVersion") or "").rpartition("/")[0], reference["kind"]
        return _KNOWN.get(named) or self.context.everything.of_kind(*named)

    async def _scale(self, autoscaler: Object, target: Resource | None) -> Object:
        """Return the target's Scale; raises `ApiError`."""
        reference, namespace = autoscaler["spec"]["scaleTargetRef"], autoscaler["metadata"]["namespace"]
        if target is None:
            kind, version = reference["kind"], reference.get("apiVersion") or "v1"
            raise NotFound(f'no matches for kind "{kind}" in group version "{version}"')
        return await self.client.get(target, reference["name"], namespace, subresource="scale")

    async def _lost(self, autoscaler: Object, error: ApiError) -> None:
        text = f"the HPA controller was unable to get the target's current scale: {error.message}"
        self._recorder.event(HORIZONTAL_POD_AUTOSCALERS, autoscaler, "Warning", "FailedGetScale", error.message)
        status, now = autoscaler.get("status") or {}, self.context.clock()
        conditions = metadata.set_condition(
            status.get("conditions"), "AbleToScale", "False", "FailedGetScale", text, rfc3339(now)
        )
        await self.write_status(HORIZONTAL_POD_AUTOSCALERS, autoscaler, {**status, "conditions": conditions})

    async def _rescale(
        self, autoscaler: Object, target: Resource, decision: Decision, replicas: int, memory: Memory
    ) -> None:
        """Scale the target; where that fails, the decision becomes to stay."""
        wanted, name = decision.replicas, autoscaler["spec"]["scaleTargetRef"]["name"]
        patch, namespace = {"spec": {"replicas": wanted}}, autoscaler["metadata"]["namespace"]
        note = f"New size: {wanted}; reason: {decision.reason}"
        try:
            await self.client.patch(target, name, patch, namespace, subresource="scale")
        except ApiError as error:
            text = f"the HPA controller was unable to update the target scale: {error.message}"
            decision.replicas, decision.conditions["AbleToScale"] = replicas, ("False", "FailedUpdateScale", text)
            note = f"{note}; error: {error.message}"
            self._recorder.event(HORIZONTAL_POD_AUTOSCALERS, autoscaler, "Warning", "FailedRescale", note)
            return
        text = f"the HPA controller was able to update the target scale to {wanted}"
        decision.conditions["AbleToScale"] = ("True", "SucceededRescale", text)
        self._recorder.event(HORIZONTAL_POD_AUTOSCALERS, autoscaler, "Normal", "SuccessfulRescale", note)
        memory.scaled(replicas, wanted, self.context.clock())

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """Queue what is new, gone or meant differently: what we write into its status is no news."""
        if old is None or new is None or old["metadata"].get("generation") != new["metadata"].get("generation"):
            self.enqueue(new or old)


def sample(item: Object) -> Sample:
    """Return what a PodMetrics says."""
    containers = {
        container["name"]: {name: quantity.milli(amount) for name, amount in container["usage"].items()}
        for container in item.get("containers") or ()
    }
    return Sample(parse(item["timestamp"]), seconds(item["window"]), containers)
