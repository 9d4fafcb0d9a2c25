"""What a PodDisruptionBudget says: whether another pod may go.

Source: k8s.io/component-helpers apps/poddisruptionbudget.
"""

from __future__ import annotations

from wherry.objects import Object, metadata, selectors
from wherry.objects.selectors import LabelSelector

DISRUPTION_TARGET = "DisruptionTarget"
"""The condition of a pod that says who makes it go."""
DISRUPTION_ALLOWED = "DisruptionAllowed"
SUFFICIENT, INSUFFICIENT, SYNC_FAILED = "SufficientPods", "InsufficientPods", "SyncFailed"
DELETION_SECONDS = 120.0
"""How long a pod whose eviction was let through is waited for, until it counts again."""


def selector(budget: Object) -> LabelSelector:
    """Return which pods of its namespace a budget is about: with no selector none, with an empty one all."""
    return selectors.stored((budget.get("spec") or {}).get("selector"))


def with_condition(status: Object, generation: int, now: str) -> Object:
    """Return a budget's status with the condition that follows from its numbers; `now` is RFC 3339."""
    allowed = bool(status.get("disruptionsAllowed"))
    reason = SUFFICIENT if allowed else INSUFFICIENT
    conditions = metadata.set_condition(status.get("conditions"), DISRUPTION_ALLOWED, str(allowed), reason, "", now)
    for condition in conditions:
        if condition.get("type") == DISRUPTION_ALLOWED:
            condition |= {"observedGeneration": generation, "message": ""}
    return {**status, "conditions": conditions}
