"""Pure: how many pods their use of a resource asks for.

A pod that is young or not ready, and one of which nothing was measured, counts against a change, never for one.
Amounts are in thousandths, of cores or bytes. Source: kubernetes pkg/controller/podautoscaler/replica_calculator.go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wherry.objects import Object, metadata, quantity
from wherry.objects.meaning.pods import is_sidecar, phase
from wherry.objects.timestamps import parse

TOLERANCE = 0.1
"""How far from the target use may be, as a share of it, until anything is done."""
WARM_UP_SECONDS = 300.0
"""How long a pod's use of the CPU is taken for that of its start."""
READINESS_SECONDS = 30.0
"""How soon after its start a pod may have become unready because it has never been ready."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a metric aims at: a share (per cent of what is requested) or an `average` of a resource.

    Of one `container`, or of all of them where that is "". `slack` is by how much use may be below and above.
    """

    resource: str
    container: str = ""
    share: int | None = None
    average: int = 0
    slack: tuple[float, float] = (TOLERANCE, TOLERANCE)


class Sample(NamedTuple):
    """What a pod's containers used, on the average of `window` seconds before `at`: a map of resources by name."""

    at: float
    window: float
    containers: Mapping[str, Mapping[str, int]]


class Wanted(NamedTuple):
    """How many pods a metric asks for, and the value that says so, as in a metric's status."""

    replicas: int
    value: Object


class Unknown(NamedTuple):
    """Why a metric says nothing."""

    why: str


def aim(source: Object, slack: tuple[float, float]) -> Aim:
    """Return the aim of a metric of type Resource or ContainerResource, given its `resource` or `containerResource`."""
    target = source["target"]
    share, average = target.get("averageUtilization"), target.get("averageValue")
    amount = quantity.milli(average) if average is not None else 0
    return Aim(source["name"], source.get("container") or "", share, amount, slack)


def wanted(
    aim: Aim, pods: Sequence[Object], samples: Mapping[str, Sample], replicas: int, now: float
) -> Wanted | Unknown:
    """Return how many pods `aim` asks for, where there are to be `replicas` now; `samples` is by the pod's name."""
    ignored = {_name(p) for p in pods if metadata.is_being_deleted(p) or phase(p) == "Failed"}
    counted = [p for p in pods if _name(p) not in ignored]
    used = {_name(p): n for p in counted if (n := _used(aim, samples.get(_name(p)))) is not None}
    unready = {_name(p) for p in counted if _is_unready(aim, p, samples.get(_name(p)), now)}
    missing = {_name(p) for p in counted} - used.keys() - unready
    for name in unready:
        used.pop(name, None)
    asked = _requests(aim, counted)
    if isinstance(asked, Unknown):
        return asked
    if not used:
        return Unknown("did not receive metrics for targeted pods (pods might be unready)")
    if aim.share is not None and not sum(asked[name] for name in used):
        return Unknown("no metrics returned matched known pods")
    ratio, value = _ratio(aim, used, asked), _value(aim, used, asked)
    if not missing and not (unready and ratio > 1):
        return Wanted(replicas if _is_near(aim, ratio) else math.ceil(ratio * len(used)), value)
    for name in missing:
        used[name] = _most_of(aim, asked.get(name, 0)) if ratio < 1 else 0
    if ratio > 1:
        used |= dict.fromkeys(unready, 0)
    return Wanted(_corrected(aim, ratio, _ratio(aim, used, asked), len(used), replicas), value)


def _corrected(aim: Aim, first: float, ratio: float, count: int, replicas: int) -> int:
    """Return what the corrected ratio asks for, unless that is the other way than the measured one."""
    if _is_near(aim, ratio) or (first < 1) != (ratio < 1):
        return replicas
    found = math.ceil(ratio * count)
    return replicas if (ratio < 1 and found > replicas) or (ratio > 1 and found < replicas) else found


def _is_near(aim: Aim, ratio: float) -> bool:
    below, above = aim.slack
    return 1 - below <= ratio <= 1 + above


def _ratio(aim: Aim, used: Mapping[str, int], asked: Mapping[str, int]) -> float:
    if aim.share is not None:
        return _share(used, asked) / aim.share
    return sum(used.values()) // len(used) / aim.average


def _share(used: Mapping[str, int], asked: Mapping[str, int]) -> int:
    return sum(used.values()) * 100 // sum(asked[name] for name in used)


def _value(aim: Aim, used: Mapping[str, int], asked: Mapping[str, int]) -> Object:
    value: Object = {"averageValue": quantity.canonical(f"{sum(used.values()) // len(used)}m")}
    return {"averageUtilization": _share(used, asked)} | value if aim.share is not None else value


def _most_of(aim: Aim, asked: int) -> int:
    """Return what a pod without measurement is taken to use where the others use little: enough to keep it."""
    return asked * max(100, aim.share) // 100 if aim.share is not None else aim.average


def _used(aim: Aim, sample: Sample | None) -> int | None:
    if sample is None:
        return None
    containers = sample.containers if not aim.container else {aim.container: sample.containers.get(aim.container, {})}
    if any(aim.resource not in amounts for amounts in containers.values()) or not containers:
        return None
    return sum(amounts[aim.resource] for amounts in containers.values())


def _requests(aim: Aim, pods: Sequence[Object]) -> dict[str, int] | Unknown:
    """Return what each pod requests, where a share of it is aimed at: every container has to say."""
    asked: dict[str, int] = {}
    for pod in pods if aim.share is not None else ():
        spec = pod["spec"]
        sidecars = [c for c in spec.get("initContainers") or () if is_sidecar(c)]
        for container in (*sidecars, *spec["containers"]):
            if aim.container not in ("", container["name"]):
                continue
            amount = ((container.get("resources") or {}).get("requests") or {}).get(aim.resource)
            if amount is None:
                return Unknown(
                    f"missing request for {aim.resource} in container {container['name']} of Pod {_name(pod)}"
                )
            asked[_name(pod)] = asked.get(_name(pod), 0) + quantity.milli(amount)
        if _name(pod) not in asked:
            return Unknown(f"container {aim.container} not found in Pod {_name(pod)}")
    return asked


def _is_unready(aim: Aim, pod: Object, sample: Sample | None, now: float) -> bool:
    if phase(pod) == "Pending":
        return True
    if sample is None or aim.resource != "cpu":
        return False
    ready, started = metadata.condition(pod, "Ready"), (pod.get("status") or {}).get("startTime")
    if ready is None or not started:
        return True
    since, start = parse(ready.get("lastTransitionTime") or started), parse(started)
    if start + WARM_UP_SECONDS > now:
        return ready["status"] == "False" or sample.at < since + sample.window
    return ready["status"] == "False" and start + READINESS_SECONDS > since


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
