"""Pure: a Deployment with its ReplicaSets, as one step of the controller sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.controllers.deployment import rollout
from wherry.controllers.deployment.revision import by_age, find_new, revision_of
from wherry.controllers.deployment.rollout import RolloutBounds
from wherry.objects import Object


def size_of(replica_set: Object) -> int:
    """Return how many pods a ReplicaSet asks for."""
    return int(replica_set["spec"].get("replicas", 1))


def limits_of(deployment: Object) -> RolloutBounds:
    """Return a Deployment's bounds; without a rolling update nothing may be over or under."""
    desired = deployment["spec"].get("replicas", 1)
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return RolloutBounds(desired, 0, 0)
    rolling = strategy.get("rollingUpdate") or {}
    return rollout.limits(desired, rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"))


@dataclass(frozen=True, slots=True)
class State:
    """`new` has the current template (None: not made yet), `old` are the others, oldest first.

    `revision` is the number the new one has, or will have.
    """

    deployment: Object
    limits: RolloutBounds
    new: Object | None
    old: list[Object]
    revision: int

    @property
    def all(self) -> list[Object]:
        """Every ReplicaSet, the new one last."""
        return [*self.old, *([self.new] if self.new else [])]

    @property
    def total(self) -> int:
        """How many pods there are or may be at any moment.

        Stricter than upstream, which counts the sizes only: a ReplicaSet that has yet to delete what it was told to
        still takes its room, so that maxSurge holds for pods, not just for numbers.
        """
        return sum(max(size_of(r), (r.get("status") or {}).get("replicas", 0)) for r in self.all)


def state_of(deployment: Object, replica_sets: Sequence[Object]) -> State:
    """Tell new from old, and count the revisions."""
    new = find_new(deployment, replica_sets)
    old = sorted((r for r in replica_sets if r is not new), key=by_age)
    revision = max((revision_of(r) for r in old), default=0) + 1
    return State(deployment, limits_of(deployment), new, old, revision)
