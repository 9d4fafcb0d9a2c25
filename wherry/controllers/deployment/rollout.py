"""Pure: how many replicas each ReplicaSet of a Deployment gets next.

The numbers and their rounding are upstream's: pkg/controller/deployment/rolling.go, sync.go and
util/deployment_util.go. A ReplicaSet is seen here as `Replicas`, three numbers and a name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wherry.controllers.percent import scaled


@dataclass(frozen=True, slots=True)
class Replicas:
    """One ReplicaSet: what is asked of it, what is available, and how large its Deployment could be when sized."""

    name: str
    wanted: int
    available: int = 0
    max_replicas: int = 0

    @property
    def working(self) -> int:
        """The available pods that will stay: a status may lag and still count those that were given up already.

        Upstream trusts the status here, and may then delete more than maxUnavailable allows.
        """
        return min(self.available, self.wanted)


@dataclass(frozen=True, slots=True)
class RolloutBounds:
    """A rolling update's bounds, resolved: pods over and under the desired number."""

    desired: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        """The most pods that may be asked for; a Deployment of zero gets no surge."""
        return self.desired + self.surge if self.desired else 0

    @property
    def least(self) -> int:
        """The fewest pods that must stay available."""
        return self.desired - self.unavailable


def limits(desired: int, max_surge: int | str | None, max_unavailable: int | str | None) -> RolloutBounds:
    """Resolve maxSurge (rounded up) and maxUnavailable (rounded down); both zero would stall, so one may be missing."""
    surge = scaled(max_surge, desired, round_up=True)
    unavailable = scaled(max_unavailable, desired, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return RolloutBounds(desired, surge, min(unavailable, desired))


def new_size(bounds: RolloutBounds, new_wanted: int, all_wanted: int) -> int:
    """Return the next size of the newest ReplicaSet, `all_wanted` being the sum over all of them (itself included)."""
    if new_wanted >= bounds.desired:
        return bounds.desired
    room = bounds.desired + bounds.surge - all_wanted
    if room <= 0:
        return new_wanted
    return new_wanted + min(room, bounds.desired - new_wanted)


def old_sizes(bounds: RolloutBounds, new: Replicas, old: Sequence[Replicas]) -> dict[str, int]:
    """Return the old ReplicaSets (oldest first) that shrink now, with their next size.

    First those pods go that do not work anyway, then working ones as far as enough stay available.
    """
    total_wanted = new.wanted + sum(r.wanted for r in old)
    new_unavailable = new.wanted - new.working
    removable = total_wanted - bounds.least - new_unavailable
    if removable <= 0:
        return {}
    sizes = {r.name: r.wanted for r in old}
    for replicas in old:
        broken = replicas.wanted - replicas.working
        taken = min(removable, broken)
        sizes[replicas.name] -= taken
        removable -= taken
    spare = new.working + sum(r.working for r in old) - bounds.least
    for replicas in old:
        taken = min(max(0, spare), sizes[replicas.name])
        sizes[replicas.name] -= taken
        spare -= taken
    return {r.name: sizes[r.name] for r in old if sizes[r.name] != r.wanted}


def proportional_sizes(bounds: RolloutBounds, active: Sequence[Replicas]) -> dict[str, int]:
    """Share a scaling in the middle of a rollout among the active ReplicaSets, in proportion to their size.

    `active` comes newest first. The rest that rounding leaves goes to the largest.
    """
    to_add = bounds.most - sum(r.wanted for r in active)
    if to_add == 0 or not active:
        return {}
    ordered = sorted(active if to_add > 0 else reversed(active), key=lambda r: -r.wanted)
    sizes: dict[str, int] = {}
    added = 0
    for replicas in ordered:
        share = _share(bounds, replicas, to_add, added)
        sizes[replicas.name] = replicas.wanted + share
        added += share
    rest = to_add - added
    for replicas in ordered:  # the largest takes it all, unless that would make it negative
        taken = max(rest, -sizes[replicas.name])
        sizes[replicas.name] += taken
        rest -= taken
    return {r.name: sizes[r.name] for r in active if sizes[r.name] != r.wanted}


def _share(bounds: RolloutBounds, replicas: Replicas, to_add: int, added: int) -> int:
    if replicas.wanted == 0 or to_add == added:
        return 0
    allowed = to_add - added
    fraction = _fraction(bounds, replicas)
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(bounds: RolloutBounds, replicas: Replicas) -> int:
    if bounds.desired == 0:
        return -replicas.wanted
    if replicas.max_replicas <= 0:
        return 0
    exact = replicas.wanted * (bounds.desired + bounds.surge) / replicas.max_replicas
    return math.floor(exact + 0.5) - replicas.wanted
