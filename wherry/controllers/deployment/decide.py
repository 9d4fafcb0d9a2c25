"""Pure: everything to be done for one Deployment now, from what the caches show.

Source of the steps: upstream pkg/controller/deployment (deployment_controller.go, rolling.go, recreate.go, sync.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wherry.controllers.deployment import progress
from wherry.controllers.deployment.revision import (
    make_replica_set,
    new_annotations,
    revision_of,
    sizes,
    superfluous,
)
from wherry.controllers.deployment.sizing import RunsPods, creation_size, rollout_sizes, scale_sizes, was_scaled
from wherry.controllers.deployment.state import State, size_of, state_of
from wherry.objects import Object, metadata


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write, in this order; `rewrite` pairs each ReplicaSet as it is with as it should be."""

    create: Object | None = None
    rewrite: list[tuple[Object, Object]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    revision: str = ""
    status: Object = field(default_factory=dict)
    look_again: float | None = None


def decide(deployment: Object, replica_sets: Sequence[Object], runs_pods: RunsPods, now: float) -> Decision:
    """Return what to do for `deployment`, whose ReplicaSets are `replica_sets`, at `now` (seconds since the epoch)."""
    state = state_of(deployment, replica_sets)
    if metadata.is_being_deleted(deployment):
        return Decision(status=progress.counts(deployment, state.limits, state.new, state.all, now))
    rolling_out = not deployment["spec"].get("paused") and not was_scaled(state)
    size = creation_size(state, runs_pods) if rolling_out else None
    create = None if size is None else make_replica_set(deployment, state.revision, size, state.limits)
    wanted = (rollout_sizes(state, runs_pods) if rolling_out else scale_sizes(state)) if create is None else {}
    status = _status(state, create, rolling_out, now)
    tidy = progress.is_complete(deployment, status) if rolling_out else bool(deployment["spec"].get("paused"))
    due = progress.deadline(deployment, status["conditions"])
    return Decision(
        create=create,
        rewrite=_rewrites(state, wanted),
        delete=superfluous(state.old, deployment["spec"].get("revisionHistoryLimit")) if tidy else [],
        revision=_shown_revision(state, create),
        status=status,
        look_again=None if due is None or not rolling_out else max(0.0, due - now) + 1,
    )


def _rewrites(state: State, wanted: dict[str, int]) -> list[tuple[Object, Object]]:
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


def _shown_revision(state: State, create: Object | None) -> str:
    """Return what the Deployment's own revision annotation should say ("": leave it)."""
    if create is None and state.new is None:
        return ""
    return str(max(state.revision, revision_of(state.new) if state.new else 0))


def _status(state: State, create: Object | None, rolling_out: bool, now: float) -> Object:
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
