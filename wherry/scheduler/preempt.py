"""Pure: the node on which a pod fits once pods of lower priority have gone, and which of them those are.

Source: upstream pkg/scheduler/framework/preemption (preemption.go), plugins/defaultpreemption/default_preemption.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.meaning import disruption
from wherry.scheduler.decide import Unschedulable, fits
from wherry.scheduler.message import explain
from wherry.scheduler.plugin import Event
from wherry.scheduler.pod import Pod
from wherry.scheduler.profile import FILTERS
from wherry.scheduler.snapshot import Node, Snapshot

LEAST_CANDIDATES, PERCENT = 100, 10
"""How many nodes are looked at until the best of them is taken: so many, or this share of all."""

NEVER = "not eligible due to preemptionPolicy=Never."
TERMINATING = "not eligible due to a terminating pod on the nominated node."
NO_HELP = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"

_BY_ROOM = frozenset(one.name for one in FILTERS if Event.POD_REMOVED in one.helped_by)
"""The filters that may think otherwise of a node when pods have gone from it."""


class Preemption(NamedTuple):
    """The node a pod is nominated for, and the pods that have to go, the most important first."""

    node: str
    victims: tuple[Pod, ...]
    violations: int = 0
    """How many of them a PodDisruptionBudget would keep."""


def preempt(pod: Pod, refused: Unschedulable, snapshot: Snapshot, random: Random) -> Preemption | str:
    """Return whom a pod that found no node may drive out, or why there is nobody.

    The snapshot is as it was when this returns.
    """
    if pod.spec.get("preemptionPolicy") == "Never":
        return NEVER
    if _is_expected(pod, snapshot):
        return TERMINATING
    names = [name for name, filter in refused.refusals.items() if filter in _BY_ROOM and name in snapshot.nodes]
    wanted = max(LEAST_CANDIDATES, len(snapshot.nodes) * PERCENT // 100)
    start = random.randrange(len(names)) if len(names) > wanted else 0
    found: list[Preemption] = []
    for name in names[start:] + names[:start]:
        candidate = _candidate(pod, snapshot.nodes[name], snapshot)
        if candidate is not None:
            found.append(candidate)
            if len(found) == wanted:
                break
    if found:
        return min(found, key=_harm)
    nodes = len(snapshot.nodes)
    return explain(nodes, [[NO_VICTIMS]] * len(names) + [[NO_HELP]] * (nodes - len(names)))


def _is_expected(pod: Pod, snapshot: Snapshot) -> bool:
    """Return whether the node it is nominated for is being cleared."""
    node = snapshot.nodes.get(pod.nominated_node)
    pods = node.pods.values() if node else ()
    return any(other.being_deleted and other.priority < pod.priority for other in pods)


def _candidate(pod: Pod, node: Node, snapshot: Snapshot) -> Preemption | None:
    """Return who has to go from a node: as few as possible, and the important last."""
    lower = [other for other in node.pods.values() if other.priority < pod.priority and not snapshot.assumes(other.uid)]
    if not lower:
        return None
    for other in lower:
        snapshot.remove_pod(other.uid)
    away = {other.uid: other for other in lower}
    try:
        if not fits(pod, snapshot, node):
            return None
        victims: list[Pod] = []
        violations = 0
        protected, others = _by_budget(sorted(lower, key=importance), snapshot.budgets.values())
        for group in (protected, others):
            for other in group:
                snapshot.put_back(away.pop(other.uid), node.name)
                if not fits(pod, snapshot, node):
                    snapshot.remove_pod(other.uid)
                    away[other.uid] = other
                    victims.append(other)
                    violations += group is protected
        return Preemption(node.name, tuple(sorted(victims, key=importance)), violations)
    finally:
        for other in away.values():
            snapshot.put_back(other, node.name)


def importance(pod: Pod) -> tuple[int, str]:
    """Return what sorts pods, the most important first: by priority, then who runs longer."""
    return -pod.priority, _started(pod)


def _started(pod: Pod) -> str:
    return str((pod.obj.get("status") or {}).get("startTime") or "9")


def _by_budget(pods: Sequence[Pod], budgets: Iterable[Object]) -> tuple[list[Pod], list[Pod]]:
    """Return those of some pods whose going breaks a PodDisruptionBudget, as they go in turn, and the others."""
    left = [(budget, int((budget.get("status") or {}).get("disruptionsAllowed") or 0)) for budget in budgets]
    protected: list[Pod] = []
    others: list[Pod] = []
    for pod in pods:
        breaks = False
        for i, (budget, allowed) in enumerate(left):
            if _protects(budget, pod):
                left[i] = budget, allowed - 1
                breaks |= allowed < 1
        (protected if breaks else others).append(pod)
    return protected, others


def _protects(budget: Object, pod: Pod) -> bool:
    going: Mapping[str, str] = (budget.get("status") or {}).get("disruptedPods") or {}
    if metadata.key(budget)[0] != pod.namespace or pod.key[1] in going or not pod.labels:
        return False
    selector = disruption.selector(budget)
    return bool(selector.requirements) and selector.matches(pod.labels)


def _harm(one: Preemption) -> tuple[int, int, int, int, str]:
    """Return what sorts candidates, the least harm first."""
    if not one.victims:
        return 0, -(1 << 31), 0, 0, ""
    highest = one.victims[0].priority
    earliest = min(_started(victim) for victim in one.victims if victim.priority == highest)
    total = sum(victim.priority + (1 << 31) for victim in one.victims)
    return one.violations, highest, total, len(one.victims), _inverted(earliest)


def _inverted(text: str) -> str:
    """Return what sorts the other way round than a time of RFC 3339 does."""
    return "".join(chr(0x7F - ord(character)) for character in text)
