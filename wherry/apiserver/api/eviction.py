"""Evicting a pod: no more go at once than its PodDisruptionBudget allows.

Source of rules and texts: kubernetes pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

import time
from dataclasses import replace

from wherry.apiserver.catalog import Served
from wherry.apiserver.registry import deleting
from wherry.apiserver.registry.options import DeleteOptions, WriteOptions
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.change import Key
from wherry.objects import Object, metadata, timestamps
from wherry.objects.errors import ApiError, BadRequest, Conflict, Forbidden, TooManyRequests, details
from wherry.objects.meaning import disruption
from wherry.objects.meaning.disruption import DISRUPTION_ALLOWED, SYNC_FAILED, with_condition
from wherry.objects.meaning.pods import is_ready, phase
from wherry.objects.resource import POD_DISRUPTION_BUDGETS

ATTEMPTS = 8
"""How often a pod that may go free is looked at again because it has changed."""
MOST_PENDING = 2000
"""How many evictions may be under way that the disruption controller has not seen come true."""
RETRY_SECONDS = 10
_VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."


async def evict(registry: Registry, served: Served, key: Key, body: Object, options: WriteOptions) -> None:
    """Delete a pod the way its Eviction asks for, if its budget lets it go; what it costs is written there first.

    Raises `TooManyRequests` when the budget does not. A pod that goes free is deleted as it was when that was found.
    """
    name = (body.get("metadata") or {}).get("name")
    if name and name != key[1]:
        raise BadRequest("name in URL does not match name in Eviction object")
    asked = DeleteOptions.of(body.get("deleteOptions") or {})
    for _ in range(ATTEMPTS):
        await registry.fresh()
        pod = registry.get(served, key)
        deleting.check_preconditions(served.kind, pod, asked)
        wanted = await _paid(registry, pod, asked, options)
        try:
            await registry.delete(served, key, wanted, options)
        except Conflict:
            if wanted.resource_version == asked.resource_version:
                raise
        else:
            return
    raise TooManyRequests(_VIOLATION, details=details(retry_after_seconds=RETRY_SECONDS))


async def _paid(registry: Registry, pod: Object, asked: DeleteOptions, options: WriteOptions) -> DeleteOptions:
    """Return how to delete a pod, having paid for it: who went free must not have become another since."""
    budget = None if ignores_budgets(pod) else _budget(registry, pod)
    if ignores_budgets(pod) or (budget is not None and is_free(budget, pod)):
        return replace(asked, resource_version=asked.resource_version or pod["metadata"]["resourceVersion"])
    if budget is None:
        return asked
    await _spend(registry, budget, pod, options)
    return replace(asked, uid=pod["metadata"]["uid"])


def _budget(registry: Registry, pod: Object) -> Object | None:
    """Return the one budget that is about a pod; more than one is an error, as who is to pay is not said."""
    labels, budgets = metadata.labels(pod), registry.state.find(POD_DISRUPTION_BUDGETS)
    if not labels or budgets is None:
        return None
    of_namespace = budgets.items(pod["metadata"]["namespace"])
    found = [budget for budget in of_namespace if disruption.selector(budget).matches(labels)]
    if len(found) > 1:
        why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(why, code=500)
    return found[0] if found else None


async def _spend(registry: Registry, budget: Object, pod: Object, options: WriteOptions) -> None:
    budgets = registry.state.find(POD_DISRUPTION_BUDGETS)
    assert budgets is not None  # one of them was found there
    served = Served(budgets.kind, budgets.kind.resource)
    as_status = replace(options, subresource="status")
    await registry.modify(served, metadata.key(budget), lambda newest: spent(newest, pod), as_status, "status")


def ignores_budgets(pod: Object) -> bool:
    """Return whether a pod's end disrupts nobody: it has ended, has not begun, or is ending."""
    return phase(pod) in ("Succeeded", "Failed", "Pending") or metadata.is_being_deleted(pod)


def is_free(budget: Object, pod: Object) -> bool:
    """Return whether a pod that is not ready goes free: by the budget's policy, or as enough others are ready."""
    if is_ready(pod):
        return False
    status = budget.get("status") or {}
    wanted = status.get("desiredHealthy") or 0
    always = (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
    return always or ((status.get("currentHealthy") or 0) >= wanted > 0)


def spent(budget: Object, pod: Object) -> Object:
    """Return the budget after the pod's eviction; raises `TooManyRequests` when it has nothing left."""
    meta, status = budget["metadata"], budget.get("status") or {}
    name, allowed = meta["name"], status.get("disruptionsAllowed") or 0
    if (status.get("observedGeneration") or 0) < meta.get("generation", 0):
        raise still_processed(name)
    disrupted = status.get("disruptedPods") or {}
    if len(disrupted) > MOST_PENDING:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise Forbidden.of("poddisruptionbudgets", name, why, "policy")
    if allowed <= 0:
        raise TooManyRequests(_VIOLATION, details=details(causes=[_cause(_why(budget))]))
    now = timestamps.rfc3339(time.time())
    status = {**status, "disruptionsAllowed": allowed - 1, "disruptedPods": {**disrupted, pod["metadata"]["name"]: now}}
    return {**budget, "status": with_condition(status, meta.get("generation", 0), now)}


def still_processed(name: str) -> TooManyRequests:
    """Return the error for a budget whose status is older than what is asked of it."""
    cause = _cause(f"The disruption budget {name} is still being processed by the server.")
    return TooManyRequests(_VIOLATION, details=details(causes=[cause], retry_after_seconds=RETRY_SECONDS))


def _cause(message: str) -> Object:
    return {"reason": "DisruptionBudget", "message": message}


def _why(budget: Object) -> str:
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    wanted, healthy = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
    condition = metadata.condition(budget, DISRUPTION_ALLOWED) or {}
    said = condition.get("message") if condition.get("status") == "False" else ""
    if said and condition.get("reason") == SYNC_FAILED:
        return f"The disruption budget {name} does not allow evicting pods currently because it failed sync: {said}"
    if healthy <= wanted:
        return f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently"
    if said:
        reason = condition.get("reason")
        return f"The disruption budget {name} does not allow evicting pods currently ({reason}): {said}"
    return f"The disruption budget {name} does not allow evicting pods currently"
