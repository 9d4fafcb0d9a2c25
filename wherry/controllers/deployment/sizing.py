"""Pure: the next size of each ReplicaSet of a Deployment.

Source of the steps: upstream pkg/controller/deployment (rolling.go, recreate.go, sync.go).
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.controllers.deployment import rollout
from wherry.controllers.deployment.revision import annotated_number, by_age
from wherry.controllers.deployment.rollout import Replicas
from wherry.controllers.deployment.state import State, size_of
from wherry.objects import Object
from wherry.objects.meaning.wellknown import DESIRED_REPLICAS, MAX_REPLICAS

RunsPods = Callable[[Object], bool]
"""Tells whether a ReplicaSet still has a pod that has not ended (one being terminated has not)."""


def was_scaled(state: State) -> bool:
    """Return whether the Deployment's size changed since its active ReplicaSets were sized."""
    noted = (annotated_number(r, DESIRED_REPLICAS) for r in state.all if size_of(r))
    return any(n is not None and n != state.limits.desired for n in noted)


def creation_size(state: State, runs_pods: RunsPods) -> int | None:
    """Return the size to create the new ReplicaSet with, or None when there is one, or the old pods must end first."""
    if state.new is not None:
        return None
    if not _is_recreate(state):
        return rollout.new_size(state.limits, 0, state.total)
    if any(size_of(r) or runs_pods(r) for r in state.old):
        return None
    return state.limits.desired


def _is_recreate(state: State) -> bool:
    return bool((state.deployment["spec"].get("strategy") or {}).get("type") == "Recreate")


def rollout_sizes(state: State, runs_pods: RunsPods) -> dict[str, int]:
    """Return the ReplicaSets to resize in a rollout: one step, on the new side or on the old one."""
    if _is_recreate(state):
        shrink = {r["metadata"]["name"]: 0 for r in state.old if size_of(r)}
        if shrink or any(runs_pods(r) for r in state.old) or state.new is None:
            return shrink
        return {state.new["metadata"]["name"]: state.limits.desired}
    if state.new is None:
        return {}
    size = rollout.new_size(state.limits, size_of(state.new), state.total)
    if size != size_of(state.new):
        return {state.new["metadata"]["name"]: size}
    return rollout.old_sizes(state.limits, _replicas(state.new), [_replicas(r) for r in state.old])


def _replicas(replica_set: Object) -> Replicas:
    available = (replica_set.get("status") or {}).get("availableReplicas", 0)
    maximum = annotated_number(replica_set, MAX_REPLICAS) or 0
    return Replicas(replica_set["metadata"]["name"], size_of(replica_set), available, maximum)


def scale_sizes(state: State) -> dict[str, int]:
    """Return the ReplicaSets to resize because the Deployment's own size changed."""
    desired = state.limits.desired
    active = [r for r in state.all if size_of(r)]
    only = active[0] if len(active) == 1 else None
    if not active:
        only = state.new or max(state.old, key=by_age, default=None)
    if only is not None:
        return {only["metadata"]["name"]: desired}
    if state.new is not None and _is_saturated(state.new, desired):
        return {r["metadata"]["name"]: 0 for r in state.old if size_of(r)}
    if not active or _is_recreate(state):
        return {}
    newest_first = sorted(active, key=by_age, reverse=True)
    return rollout.proportional_sizes(state.limits, [_replicas(r) for r in newest_first])


def _is_saturated(new: Object, desired: int) -> bool:
    available = (new.get("status") or {}).get("availableReplicas", 0)
    return bool(annotated_number(new, DESIRED_REPLICAS) == size_of(new) == available == desired)
