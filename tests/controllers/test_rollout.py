"""How many pods each ReplicaSet gets: tables, and the promises of a rolling update under any course of events."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wherry.controllers.deployment.rollout import (
    Replicas,
    RolloutBounds,
    limits,
    new_size,
    old_sizes,
    proportional_sizes,
)


@pytest.mark.parametrize(
    ("desired", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", RolloutBounds(4, 1, 1)),
        (3, "25%", "25%", RolloutBounds(3, 1, 0)),  # surge rounds up, unavailable down
        (1, "25%", "25%", RolloutBounds(1, 1, 0)),
        (10, 0, 0, RolloutBounds(10, 0, 1)),  # both zero would stall
        (10, "0%", "1%", RolloutBounds(10, 0, 1)),
        (2, 0, 5, RolloutBounds(2, 0, 2)),
        (0, "25%", "25%", RolloutBounds(0, 0, 0)),
        (5, "100%", 0, RolloutBounds(5, 5, 0)),
        (5, "much", "9" * 5000 + "%", RolloutBounds(5, 0, 1)),  # as no write lets anybody say
    ],
)
def test_percentages_resolve_with_upstreams_rounding(
    desired: int, surge: int | str, unavailable: int | str, expected: RolloutBounds
) -> None:
    assert limits(desired, surge, unavailable) == expected


@pytest.mark.parametrize(
    ("bounds", "new", "total", "expected"),
    [
        (RolloutBounds(10, 3, 2), 0, 10, 3),
        (RolloutBounds(10, 3, 2), 3, 13, 3),
        (RolloutBounds(10, 3, 2), 3, 8, 8),
        (RolloutBounds(10, 0, 1), 0, 0, 10),
        (RolloutBounds(10, 3, 2), 12, 12, 10),
    ],
)
def test_the_new_replica_set_grows_into_the_room_that_surge_leaves(
    bounds: RolloutBounds, new: int, total: int, expected: int
) -> None:
    assert new_size(bounds, new, total) == expected


def test_broken_old_pods_go_before_working_ones() -> None:
    old = [Replicas("a", 5, available=1), Replicas("b", 5, available=5)]
    assert old_sizes(RolloutBounds(10, 0, 4), Replicas("new", 0), old) == {"a": 1}


def test_nothing_shrinks_while_the_new_pods_do_not_work() -> None:
    assert old_sizes(RolloutBounds(4, 1, 0), Replicas("new", 1, available=0), [Replicas("a", 4, available=4)]) == {}


def test_a_scaling_in_mid_rollout_is_shared_in_proportion() -> None:
    active = [Replicas("new", 3, 3, max_replicas=13), Replicas("old", 10, 10, max_replicas=13)]
    assert proportional_sizes(RolloutBounds(20, 5, 5), active) == {"new": 6, "old": 19}
    assert proportional_sizes(RolloutBounds(5, 1, 1), active) == {"new": 1, "old": 5}
    assert proportional_sizes(RolloutBounds(10, 3, 3), active) == {}


@given(
    st.integers(0, 30),
    st.integers(0, 10),
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 40)), min_size=2, max_size=4),
)
def test_a_shared_scaling_ends_at_the_most_allowed(desired: int, surge: int, active: list[tuple[int, int]]) -> None:
    bounds = RolloutBounds(desired, surge, 0)
    sets = [Replicas(f"r{i}", wanted, 0, maximum) for i, (wanted, maximum) in enumerate(active)]
    sizes = {r.name: r.wanted for r in sets} | proportional_sizes(bounds, sets)
    assert all(size >= 0 for size in sizes.values())
    assert sum(sizes.values()) == bounds.most


@dataclass
class Set:
    """A ReplicaSet as it really is, and as a controller that lags behind may see it."""

    wanted: int = 0
    pods: int = 0
    available: int = 0
    seen_available: int = 0

    def seen(self, name: str) -> Replicas:
        return Replicas(name, self.wanted, self.seen_available)


class RollingUpdate(RuleBasedStateMachine):
    """Rollouts, roll-overs, pods that come up, die or are slow, caches that lag: the bounds hold all the way.

    Sizes are never seen stale: they are written with the version they were read in, and a conflict ends the step.
    """

    sets: dict[str, Set]
    bounds: RolloutBounds

    @initialize(desired=st.integers(1, 12), surge=st.integers(0, 4), unavailable=st.integers(0, 4))
    def start(self, desired: int, surge: int, unavailable: int) -> None:
        self.bounds = limits(desired, surge, unavailable)
        self.sets = {"r0": Set(desired, desired, desired, desired)}
        self.broken = 0

    def newest(self) -> str:
        return f"r{len(self.sets) - 1}"

    @precondition(lambda self: len(self.sets) < 4)
    @rule()
    def a_new_template(self) -> None:
        self.sets[f"r{len(self.sets)}"] = Set()

    @rule()
    def the_deployment_controller_takes_a_step(self) -> None:
        new = self.newest()
        total = sum(s.wanted for s in self.sets.values())
        size = new_size(self.bounds, self.sets[new].wanted, total)
        if size != self.sets[new].wanted:
            self.sets[new].wanted = size
            return
        old = [s.seen(n) for n, s in self.sets.items() if n != new]
        for name, smaller in old_sizes(self.bounds, self.sets[new].seen(new), old).items():
            self.sets[name].wanted = smaller

    @rule(data=st.data())
    def a_replica_set_controller_takes_a_step(self, data: st.DataObject) -> None:
        one = self.sets[data.draw(st.sampled_from(sorted(self.sets)))]
        surplus = max(0, one.pods - one.wanted)
        unready = one.pods - one.available
        one.available -= max(0, surplus - unready)  # those that do not work go first
        one.pods = one.wanted

    @rule(data=st.data())
    def a_pod_becomes_available(self, data: st.DataObject) -> None:
        one = self.sets[data.draw(st.sampled_from(sorted(self.sets)))]
        one.available = min(one.pods, one.available + 1)

    @rule(data=st.data())
    def a_status_is_seen(self, data: st.DataObject) -> None:
        one = self.sets[data.draw(st.sampled_from(sorted(self.sets)))]
        one.seen_available = one.available

    @invariant()
    def never_more_than_surge_over(self) -> None:
        if hasattr(self, "sets"):
            assert sum(s.wanted for s in self.sets.values()) <= self.bounds.most

    @invariant()
    def never_fewer_available_than_allowed(self) -> None:
        """No pod fails by itself here, so any that are missing were taken by the rollout."""
        if hasattr(self, "sets"):
            kept = sum(min(s.available, s.wanted) for s in self.sets.values())
            assert kept >= self.bounds.least

    def teardown(self) -> None:
        """Left alone, every rollout ends with all pods of the newest template."""
        if not hasattr(self, "sets"):
            return
        for _ in range(200):
            self.the_deployment_controller_takes_a_step()
            for one in self.sets.values():
                one.available -= max(0, one.pods - one.wanted - (one.pods - one.available))
                one.pods = one.wanted
                one.available = one.seen_available = one.pods
        sizes = {name: s.wanted for name, s in self.sets.items() if s.wanted}
        assert sizes == {self.newest(): self.bounds.desired}


TestRollingUpdate = RollingUpdate.TestCase
TestRollingUpdate.settings = settings(max_examples=60, stateful_step_count=40)
