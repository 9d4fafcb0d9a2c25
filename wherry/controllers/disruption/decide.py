"""Pure: the status of a PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wherry.controllers.percent import scaled
from wherry.objects import Object, metadata
from wherry.objects.meaning.disruption import DELETION_SECONDS, DISRUPTION_ALLOWED, SYNC_FAILED, with_condition
from wherry.objects.meaning.pods import is_ready
from wherry.objects.metadata import controller_of
from wherry.objects.timestamps import parse, rfc3339


class Unknown(NamedTuple):
    """Why it cannot be said how many pods there should be."""

    why: str


def expected(pods: Sequence[Object], scales: Mapping[str, int]) -> int | Unknown:
    """Return how many pods the owners of these want; `scales` has that by uid. Pods without owner do not count."""
    owners = {}
    for pod in pods:
        owner = controller_of(pod)
        if owner is None:
            continue
        if owner["uid"] not in scales:
            return Unknown(f'found no controllers for pod "{pod["metadata"]["name"]}"')
        owners[owner["uid"]] = scales[owner["uid"]]
    return sum(owners.values())


def needs_scales(budget: Object) -> bool:
    """Return whether a budget is about a share of what there should be, not about a count."""
    least = budget["spec"].get("minAvailable")
    return budget["spec"].get("maxUnavailable") is not None or isinstance(least, str)


def status(budget: Object, pods: Sequence[Object], wanted: int | Unknown, now: float) -> Object:
    """Return the status: `pods` are those it is about, `wanted` is how many there should be (see `expected`)."""
    before, generation = budget.get("status") or {}, budget["metadata"].get("generation", 0)
    if isinstance(wanted, Unknown):
        conditions = metadata.set_condition(
            before.get("conditions"), DISRUPTION_ALLOWED, "False", SYNC_FAILED, wanted.why, rfc3339(now)
        )
        return {**before, "disruptionsAllowed": 0, "observedGeneration": generation, "conditions": conditions}
    disrupted = pending(budget, pods, now)
    healthy = sum(is_ready(p) and not metadata.is_being_deleted(p) and _name(p) not in disrupted for p in pods)
    least = _least(budget["spec"], wanted)
    made: Object = {
        "currentHealthy": healthy,
        "desiredHealthy": least,
        "expectedPods": wanted,
        "disruptionsAllowed": max(0, healthy - least) if wanted > 0 else 0,
        "observedGeneration": generation,
    }
    if disrupted:
        made["disruptedPods"] = disrupted
    if "conditions" in before:
        made["conditions"] = before["conditions"]
    return with_condition(made, generation, rfc3339(now))


def _least(spec: Object, wanted: int) -> int:
    if (most := spec.get("maxUnavailable")) is not None:
        return max(0, wanted - scaled(most, wanted, round_up=True))
    return scaled(spec.get("minAvailable"), wanted, round_up=True)


def pending(budget: Object, pods: Sequence[Object], now: float) -> dict[str, str]:
    """Return the pods whose eviction was let through and has not come true yet, and when that was."""
    told: Mapping[str, str] = (budget.get("status") or {}).get("disruptedPods") or {}
    if not told:
        return {}
    there = {_name(pod) for pod in pods if not metadata.is_being_deleted(pod)}
    return {name: at for name, at in told.items() if name in there and _end(at) > now}


def recheck_in(disrupted: Mapping[str, str], now: float) -> float | None:
    """Return in how many seconds the first of the pending evictions counts no more."""
    return min((_end(at) - now for at in disrupted.values()), default=None)


def _end(at: str) -> float:
    try:
        return parse(at) + DELETION_SECONDS
    except ValueError:
        return 0.0  # no time: nobody knows when, so it is over


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
