"""Pure: the next step of a StatefulSet.

Source: upstream pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wherry.controllers.pods import is_available
from wherry.controllers.statefulset import claims
from wherry.controllers.statefulset.claims import Claims
from wherry.controllers.statefulset.identity import Revisions, marks, new_pod, ordinal, ordinals
from wherry.controllers.statefulset.rollout import next_to_go
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended
from wherry.objects.metadata import is_being_deleted

BURST = 500
"""The most pods created for one StatefulSet at a time."""


@dataclass
class Step:
    """What to do: claims come before pods, and `update` is of pods that lost what tells them apart."""

    create_claims: list[Object] = field(default_factory=list)
    update_claims: list[Object] = field(default_factory=list)
    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


@dataclass
class _Scene:
    stateful_set: Object
    there: Claims
    works: Callable[[Object], bool]
    step: Step = field(default_factory=Step)

    @property
    def orderly(self) -> bool:
        """Whether one pod waits for the other."""
        return bool(self.stateful_set["spec"].get("podManagementPolicy") != "Parallel")


def decide(stateful_set: Object, pods: Sequence[Object], revisions: Revisions, there: Claims, now: float) -> Step:
    """Return the next step; `pods` are the set's own, `there` the claims of its namespace."""
    min_ready = stateful_set["spec"].get("minReadySeconds", 0)

    def works(pod: Object) -> bool:
        return is_available(pod, min_ready, now) and not is_being_deleted(pod)

    scene = _Scene(stateful_set, there, works)
    numbered = {n: p for p in pods if (n := ordinal(stateful_set, p)) is not None}
    wanted = ordinals(stateful_set)
    condemned = [numbered[n] for n in sorted(numbered, reverse=True) if n not in wanted]
    replicas = [numbered[n] for n in sorted(numbered) if n in wanted]
    if not _fill(scene, numbered, revisions):
        return scene.step
    _release_claims(scene, condemned)
    if not _shrink(scene, condemned, replicas):
        return scene.step
    strategy = (stateful_set["spec"].get("updateStrategy") or {}).get("type")
    complete = len(replicas) == len(wanted) and not scene.step.delete
    if strategy == "RollingUpdate" and complete:
        scene.step.delete += next_to_go(stateful_set, replicas, revisions.update["metadata"]["name"], works)
    return scene.step


def _fill(scene: _Scene, numbered: dict[int, Object], revisions: Revisions) -> bool:
    """Create what is missing and put right what is there, in order; return whether what comes next may be done."""
    for number in ordinals(scene.stateful_set):
        if len(scene.step.create) == BURST:
            break
        pod = numbered.get(number)
        if pod is None:
            _create(scene, number, revisions)
            settled = False
        elif has_ended(pod):
            if not is_being_deleted(pod):
                scene.step.delete.append(pod)
            settled = False
        else:
            _keep(scene, number, pod)
            settled = scene.works(pod)
        if scene.orderly and not settled:
            return False
    return True


def _create(scene: _Scene, number: int, revisions: Revisions) -> None:
    pod = new_pod(scene.stateful_set, number, revisions)
    if claims.is_stale(scene.stateful_set, pod["metadata"]["name"], scene.there, number):
        return  # its end comes by itself, and brings us back
    scene.step.create_claims += claims.missing(scene.stateful_set, number, scene.there)
    scene.step.create.append(pod)


def _keep(scene: _Scene, number: int, pod: Object) -> None:
    """Give a pod its labels back, and its claims their owners; one that waits for a claim gets it."""
    if (pod.get("status") or {}).get("phase") == "Pending":
        scene.step.create_claims += claims.missing(scene.stateful_set, number, scene.there)
    if not marks(pod, number).items() <= metadata.labels(pod).items():
        meta = {**pod["metadata"], "labels": {**metadata.labels(pod), **marks(pod, number)}}
        scene.step.update.append({**pod, "metadata": meta})
    scene.step.update_claims += claims.reowned(scene.stateful_set, pod, number, True, scene.there)


def _release_claims(scene: _Scene, condemned: Sequence[Object]) -> None:
    for pod in condemned:
        number = ordinal(scene.stateful_set, pod)
        assert number is not None
        scene.step.update_claims += claims.reowned(scene.stateful_set, pod, number, False, scene.there)


def _shrink(scene: _Scene, condemned: Sequence[Object], replicas: Sequence[Object]) -> bool:
    """Delete what is beyond the number, the highest first; return whether nothing had to be done or waited for."""
    if not scene.orderly:
        scene.step.delete += [p for p in condemned if not is_being_deleted(p)]
        return True
    if not condemned:
        return True
    highest = condemned[0]
    broken = [p for p in [*replicas, *reversed(condemned)] if not scene.works(p)]
    if not is_being_deleted(highest) and (scene.works(highest) or broken[0] is highest):
        scene.step.delete.append(highest)
    return False
