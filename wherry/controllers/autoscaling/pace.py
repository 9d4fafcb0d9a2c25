"""Pure: how fast a HorizontalPodAutoscaler may follow what its metrics ask for.

Source: KEP-853, kubernetes pkg/controller/podautoscaler/horizontal.go (normalizeDesiredReplicasWithBehaviors).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.meaning import autoscaling

DOWN_WINDOW_SECONDS = 300.0
"""How long the highest recommendation counts, where `scaleDown` does not say."""
LONGEST_SECONDS = 3600.0


class Note(NamedTuple):
    """A number of pods, recommended or changed by, and when."""

    at: float
    pods: int


@dataclass
class Memory:
    """What an autoscaler has recommended and done. Lost with the controller: then it begins with what there is."""

    recommended: list[Note] = field(default_factory=list)
    added: list[Note] = field(default_factory=list)
    removed: list[Note] = field(default_factory=list)

    def scaled(self, before: int, after: int, now: float) -> None:
        """Remember a change."""
        (self.added if after > before else self.removed).append(Note(now, abs(after - before)))

    def forget(self, now: float) -> None:
        """Forget what counts no more, by any rule."""
        for notes in (self.recommended, self.added, self.removed):
            notes[:] = [note for note in notes if note.at > now - LONGEST_SECONDS]


class Paced(NamedTuple):
    """How many pods there are to be now, and the conditions that say why it is not what is wanted, if it is not.

    Conditions are (status, reason, message); `able` is about time, `limited` about rates and bounds.
    """

    replicas: int
    able: tuple[str, str, str]
    limited: tuple[str, str, str]


def pace(autoscaler: Object, replicas: int, wanted: int, memory: Memory, now: float) -> Paced:
    """Return where to go now from `replicas` towards `wanted`, and remember that it was wanted."""
    memory.forget(now)
    memory.recommended = memory.recommended or [Note(now, replicas)]
    settled = _stabilized(autoscaler, replicas, wanted, memory, now)
    memory.recommended.append(Note(now, wanted))
    able = ("True", "ReadyForNewScale", "recommended size matches current size")
    if settled > wanted:
        text = "recent recommendations were higher than current one, applying the highest recent recommendation"
        able = ("True", "ScaleDownStabilized", text)
    elif settled < wanted:
        text = "recent recommendations were lower than current one, applying the lowest recent recommendation"
        able = ("True", "ScaleUpStabilized", text)
    now_at, limited = _limited(autoscaler, replicas, settled, memory, now)
    return Paced(now_at, able, limited)


def _stabilized(autoscaler: Object, replicas: int, wanted: int, memory: Memory, now: float) -> int:
    up = autoscaling.rules(autoscaler, "scaleUp").get("stabilizationWindowSeconds", 0)
    down = autoscaling.rules(autoscaler, "scaleDown").get("stabilizationWindowSeconds", DOWN_WINDOW_SECONDS)
    lowest = min([wanted, *(n.pods for n in memory.recommended if n.at > now - up)])
    highest = max([wanted, *(n.pods for n in memory.recommended if n.at > now - down)])
    return min(max(replicas, lowest), highest)


def _limited(
    autoscaler: Object, replicas: int, settled: int, memory: Memory, now: float
) -> tuple[int, tuple[str, str, str]]:
    most, least = autoscaler["spec"]["maxReplicas"], autoscaler["spec"].get("minReplicas") or 1
    if settled > replicas:
        limit = max(replicas, _limit(autoscaler, "scaleUp", replicas, memory, now))
        if settled > min(limit, most):
            return min(limit, most), _TOO_FAST_UP if limit < most else _TOO_MANY
    if settled < replicas:
        limit = min(replicas, _limit(autoscaler, "scaleDown", replicas, memory, now))
        if settled < max(limit, least):
            return max(limit, least), _TOO_FAST_DOWN if limit > least else _TOO_FEW
    if settled == replicas and not least <= settled <= most:
        return min(max(settled, least), most), _TOO_FEW if settled < least else _TOO_MANY
    return settled, ("False", "DesiredWithinRange", "the desired count is within the acceptable range")


_TOO_FAST_UP = ("True", "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_TOO_FAST_DOWN = (
    "True",
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)
_TOO_MANY = ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FEW = ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")


def _limit(autoscaler: Object, direction: str, replicas: int, memory: Memory, now: float) -> int:
    """Return the number of pods that the policies of a direction reach at most (or least)."""
    rules, is_up = autoscaling.rules(autoscaler, direction), direction == "scaleUp"
    if rules["selectPolicy"] == "Disabled":
        return replicas
    found = [_reach(policy, replicas, memory, now, is_up=is_up) for policy in rules["policies"]]
    return max(found) if is_up == (rules["selectPolicy"] == "Max") else min(found)


def _reach(policy: Object, replicas: int, memory: Memory, now: float, *, is_up: bool) -> int:
    """Return how far a policy goes from where its period began."""
    since, value = now - policy["periodSeconds"], int(policy["value"])
    start: int = replicas - _sum(memory.added, since) + _sum(memory.removed, since)
    if policy["type"] == "Pods":
        return start + value if is_up else start - value
    return math.ceil(start * (1 + value / 100)) if is_up else int(start * (1 - value / 100))


def _sum(notes: Sequence[Note], since: float) -> int:
    return sum(note.pods for note in notes if note.at > since)
