"""Pure: everything to be done for one Deployment now, from what the caches show.

Source of the steps: upstream pkg/controller/deployment (deployment_controller.go, rolling.go, recreate.go, sync.go).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wherry.controllers.deployment import progress, rollout
from wherry.controllers.deployment.revision import (
    DESIRED,
    MAXIMUM,
    annotated_number,
    by_age,
    find_new,
    make_replica_set,
    new_annotations,
    revision_of,
    sizes,
    superfluous,
)
from wherry.controllers.deployment.rollout import Limits, Replicas
from wherry.objects import Object, metadata

RunsPods = Callable[[Object], bool]
"""Tells whether a ReplicaSet still has a pod that has not ended (one being terminated has not)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, in this order; `rewrite` pairs each ReplicaSet as it is with as it should be."""

    create: Object | None = None
    rewrite: list[tuple[Object, Object]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    revision: str = ""
    status: Object = field(default_factory=dict)
    look_again: float | None = None


@dataclass(frozen=True, slots=True)
class _State:
    deployment: Object
    limits: Limits
    new: Object | None
    old: list[Object]
    revision: int

    @property
    def all(self) -> list[Object]:
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def total(self) -> int:
        """How many pods there are or may be at any moment.

        Stricter than upstream, which counts the sizes only: a ReplicaSet that has yet to delete what it was told to
        still takes its room, so that maxSurge holds for pods, not just for numbers.
        """
        return sum(max(size_of(r), (r.get("status") or {}).get("replicas", 0)) for r in self.all)


def size_of(replica_set: Object) -> int:
    """Return how many pods a ReplicaSet asks for."""
    return int(replica_set["spec"].get("replicas", 1))


def limits_of(deployment: Object) -> Limits:
    """Return a Deployment's bounds; without a rolling update nothing may be over or under."""
    desired = deployment["spec"].get("replicas", 1)
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return Limits(desired, 0, 0)
    rolling = strategy.get("rollingUpdate") or {}
    return rollout.limits(desired, rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"))


def decide(deployment: Object, replica_sets: Sequence[Object], runs_pods: RunsPods, now: float) -> Decision:
    """Return what to do for `deployment`, whose ReplicaSets are `replica_sets`, at `now` (seconds since the epoch)."""
    new = find_new(deployment, replica_sets)
    old = sorted((r for r in replica_sets if r is not new), key=by_age)
    revision = max((revision_of(r) for r in old), default=0) + 1
    state = _State(deployment, limits_of(deployment), new, old, revision)
    if metadata.is_being_deleted(deployment):
        return Decision(status=progress.counts(deployment, state.limits, new, replica_sets, now))
    rolling_out = not deployment["spec"].get("paused") and not _was_scaled(state)
    create = _creation(state, runs_pods) if rolling_out else None
    wanted = (_rollout_sizes(state, runs_pods) if rolling_out else _scale_sizes(state)) if create is None else {}
    status = _status(state, create, rolling_out, now)
    tidy = progress.is_complete(deployment, status) if rolling_out else bool(deployment["spec"].get("paused"))
    due = progress.deadline(deployment, status["conditions"])
    return Decision(
        create=create,
        rewrite=_rewrites(state, wanted),
        delete=superfluous(old, deployment["spec"].get("revisionHistoryLimit")) if tidy else [],
        revision=_shown_revision(state, create),
        status=status,
        look_again=None if due is None or not rolling_out else max(0.0, due - now) + 1,
    )


def _was_scaled(state: _State) -> bool:
    """Return whether the Deployment's size changed since its active ReplicaSets were sized."""
    noted = (annotated_number(r, DESIRED) for r in state.all if size_of(r))
    return any(n is not None and n != state.limits.desired for n in noted)


def _creation(state: _State, runs_pods: RunsPods) -> Object | None:
    if state.new is not None:
        return None
    if _is_recreate(state):
        if any(size_of(r) or runs_pods(r) for r in state.old):
            return None
        size = state.limits.desired
    else:
        size = rollout.new_size(state.limits, 0, state.total)
    return make_replica_set(state.deployment, state.revision, size, state.limits)


def _is_recreate(state: _State) -> bool:
    return bool((state.deployment["spec"].get("strategy") or {}).get("type") == "Recreate")


def _rollout_sizes(state: _State, runs_pods: RunsPods) -> dict[str, int]:
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
    maximum = annotated_number(replica_set, MAXIMUM) or 0
    return Replicas(replica_set["metadata"]["name"], size_of(replica_set), available, maximum)


def _scale_sizes(state: _State) -> dict[str, int]:
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
    return bool(annotated_number(new, DESIRED) == size_of(new) == available == desired)


def _rewrites(state: _State, wanted: dict[str, int]) -> list[tuple[Object, Object]]:
    """Return the ReplicaSets whose size, annotations or minReadySeconds are not what they should be."""
    changes = []
    for replica_set in state.all:
        size = wanted.get(replica_set["metadata"]["name"], size_of(replica_set))
        annotations = dict(metadata.annotations(replica_set))
        spec = replica_set["spec"] | {"replicas": size}
        if replica_set is state.new:
            annotations = new_annotations(state.deployment, replica_set, state.revision)
            spec["minReadySeconds"] = state.deployment["spec"].get("minReadySeconds", 0)
            if not spec["minReadySeconds"] and "minReadySeconds" not in replica_set["spec"]:
                del spec["minReadySeconds"]
        if size or size_of(replica_set) or replica_set is state.new:
            annotations |= sizes(state.limits)
        changed = replica_set | {"metadata": replica_set["metadata"] | {"annotations": annotations}, "spec": spec}
        if annotations != metadata.annotations(replica_set) or spec != replica_set["spec"]:
            changes.append((replica_set, changed))
    return changes


def _shown_revision(state: _State, create: Object | None) -> str:
    """Return what the Deployment's own revision annotation should say ("": leave it)."""
    if create is None and state.new is None:
        return ""
    return str(max(state.revision, revision_of(state.new) if state.new else 0))


def _status(state: _State, create: Object | None, rolling_out: bool, now: float) -> Object:
    deployment = state.deployment
    status = progress.counts(deployment, state.limits, state.new, state.all, now)
    conditions = progress.paused(deployment, status["conditions"], now)
    if progress.has_deadline(deployment):
        conditions = _announced(conditions, state.new, create, now)
    if rolling_out:
        status["conditions"] = conditions
        conditions = progress.judged(deployment, status, state.new or create, now)
        conditions = progress.failures(conditions, state.new, state.all, now)
    status["conditions"] = conditions
    return status


def _announced(conditions: list[Object], new: Object | None, create: Object | None, now: float) -> list[Object]:
    """Return the conditions with the start of a rollout noted: from then on its deadline counts."""
    if create is not None:
        text = f'Created new replica set "{create["metadata"]["name"]}"'
        created = progress.make("Progressing", "True", "NewReplicaSetCreated", text, now)
        return progress.put(conditions, created, refresh=True)
    if new is not None and progress.find(conditions, "Progressing") is None:
        text = f'Found new replica set "{new["metadata"]["name"]}"'
        return progress.put(conditions, progress.make("Progressing", "True", "FoundNewReplicaSet", text, now))
    return conditions
