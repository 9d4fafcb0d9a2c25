"""Random Services, readiness changes and deletions: the incremental plan equals one from scratch and the plain model;
the same for the nft tables they become."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proxy.build import CLUSTER_CIDR, SERVICE_CIDR
from tests.proxy.families import told_in
from tests.proxy.model import Backend, Piece, Wanted, World, expected, objects
from tests.proxy.simulator import Table, listed
from tests.proxy.world import World as RealWorld
from tests.proxy.world import small_world
from wherry.net.nft import NftCommand
from wherry.objects import Object
from wherry.objects.family import Family
from wherry.proxy.changes import Changes
from wherry.proxy.modes import ModeConfig, make
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.plan import Change, Plan, difference, make_plan
from wherry.proxy.topology import Choice, ThisNode

LAYOUTS = {f: Layout(f, ModeConfig(*told_in(f, ((CLUSTER_CIDR,), (SERVICE_CIDR,))))) for f in Family}
SHARED_IPS = ["192.0.2.1", "192.0.2.2", "10.96.0.2"]  # the last one is s2's cluster IP


def _piece(port: int, states: dict[int, str]) -> Piece:
    """Make a slice. An address has one node and one zone for good, and a hint at port 8080 only.

    Whose word counts where slices differ on these is nobody's promise.
    """
    zones = "ab" if port == 8080 else ("", "")
    return Piece(
        port,
        tuple(Backend(f"10.244.0.{n}", 0, s, "n1" if n < 3 else "n2", zones[n % 2]) for n, s in states.items()),
    )


states = st.sampled_from(["ready", "ready", "unready", "draining"])
backends = st.dictionaries(st.integers(1, 5), states, max_size=4)
pieces = st.builds(_piece, st.sampled_from([8080, 8080, 8081]), backends)


def _services(numbers: st.SearchStrategy[int]) -> st.SearchStrategy[Wanted]:
    return st.builds(
        Wanted,
        number=numbers,
        protocol=st.sampled_from(["TCP", "TCP", "UDP"]),
        node_port=st.booleans(),
        external_ips=st.lists(st.sampled_from(SHARED_IPS), max_size=2, unique=True).map(tuple),
        balancer=st.sampled_from(["", "192.0.2.1"]),
        internal_local=st.booleans(),
        external_local=st.booleans(),
        affine=st.booleans(),
        skipped=st.sampled_from([False, False, False, True]),
    )


numbers = st.integers(1, 3)
slice_steps = st.tuples(st.just("slice"), numbers, st.sampled_from("xy"), pieces)
steps = st.one_of(
    slice_steps,
    slice_steps,
    slice_steps,
    st.tuples(st.just("service"), _services(numbers)),
    st.tuples(st.just("no service"), numbers),
    st.tuples(st.just("no slice"), numbers, st.sampled_from("xy")),
    st.tuples(st.just("zone"), st.sampled_from(["", "a", "b"])),
)
# Every Service with a slice to begin with: from an empty world random steps seldom reach what matters.
beginnings = st.tuples(
    *(st.tuples(st.just("service"), _services(st.just(n))) for n in (1, 2, 3)),
    *(st.tuples(st.just("slice"), st.just(n), st.just("x"), pieces) for n in (1, 2, 3)),
).map(list)


def histories(most: int) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Up to `most` steps after a beginning; "take" stands where changes are taken."""
    taken = st.tuples(steps, st.booleans()).map(lambda drawn: [drawn[0], *([("take",)] if drawn[1] else [])])
    later = st.lists(taken, min_size=2, max_size=most).map(lambda parts: [step for part in parts for step in part])
    return st.tuples(beginnings, later).map(lambda drawn: [*drawn[0], ("take",), *drawn[1]])


class Told:
    """A world, and the tracker that is told of each of its changes as informers would."""

    def __init__(self, family: Family) -> None:
        self.world = World()
        self._family = family
        self.changes = Changes(self._node)
        self._known: tuple[dict[str, Object], dict[str, Object]] = {}, {}

    def step(self, step: tuple[Any, ...]) -> None:
        world = self.world
        match step:
            case ("service", wanted):
                world.services[wanted.name] = wanted
            case ("no service", number):
                world.services.pop(f"s{number}", None)
            case ("slice", number, name, piece):
                world.slices[f"s{number}", f"s{number}-{name}"] = piece
            case ("no slice", number, name):
                world.slices.pop((f"s{number}", f"s{number}-{name}"), None)
            case ("zone", zone):
                world.zone = zone
                self.changes.node(self._node)
        self._tell()

    def _tell(self) -> None:
        for known, current, tell in zip(
            self._known, self._objects, (self.changes.service, self.changes.slice), strict=True
        ):
            now = {o["metadata"]["name"]: o for o in current}
            for name in list(known.keys() | now.keys()):
                old, new = known.get(name), now.get(name)
                if old != new:
                    tell(old, new)
                    known[name] = copy.deepcopy(new) if new else {}
                if new is None:
                    del known[name]

    def scratch(self) -> Plan:
        return make_plan(*self._objects, self._node)

    @property
    def _objects(self) -> tuple[list[Object], list[Object]]:
        return told_in(self._family, objects(self.world))

    @property
    def _node(self) -> ThisNode:
        node = self.world.node
        return replace(node, addresses=told_in(self._family, node.addresses))


def apply(plan: Plan, change: Change) -> Plan:
    routes, checks = dict(plan.routes), dict(plan.health_checks)
    for frontend, (before, after) in change.routes.items():
        assert routes.get(frontend) == before
        routes.pop(frontend, None)
        if after is not None:
            routes[frontend] = after
    for key, check in change.health_checks.items():
        checks.pop(key, None)
        if check is not None:
            checks[key] = check
    return Plan(routes, checks)


def said(choice: Choice | None) -> Any:
    if choice is None:
        return None
    return frozenset(e[:2] for e in choice.endpoints) or choice.otherwise.value


def takes(all_steps: list[tuple[Any, ...]], family: Family) -> Iterator[tuple[Told, Change]]:
    told = Told(family)
    for step in [*all_steps, ("take",)]:
        if step[0] == "take":
            yield told, told.changes.take()
        else:
            told.step(step)


@settings(max_examples=120)
@given(histories(20))
def test_the_incremental_plan_equals_the_one_from_scratch_and_the_model(all_steps: list[tuple[Any, ...]]) -> None:
    plan = Plan()
    for told, change in takes(all_steps, Family.V4):
        plan = apply(plan, change)
        assert plan == told.changes.plan == told.scratch()
        assert {tuple(f): (said(r.inside), said(r.outside)) for f, r in plan.routes.items()} == expected(told.world)


@settings(max_examples=120)
@given(histories(20), st.sampled_from(Family))
def test_incremental_transactions_make_the_table_a_full_load_makes(
    all_steps: list[tuple[Any, ...]], family: Family
) -> None:
    layout = LAYOUTS[family]
    table, ruleset = Table(), Ruleset(layout)
    table.run(str(ruleset.load(Change(), None)))
    for told, change in takes(all_steps, family):
        table.run(str(ruleset.update(change)))
        fresh = Table()
        fresh.run(str(Ruleset(layout).load(difference(Plan(), told.scratch()), None)))
        assert table.normal() == fresh.normal()


@pytest.fixture(scope="module")
def real_world() -> Iterator[RealWorld]:
    with small_world() as made:
        yield made


@pytest.mark.kernel
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(all_steps=histories(10), family=st.sampled_from(Family))
def test_the_kernel_takes_every_transaction_and_holds_what_it_says(
    real_world: RealWorld, all_steps: list[tuple[Any, ...]], family: Family
) -> None:
    """After incremental transactions, and after a full load over them, the kernel's table is the simulated one."""
    nft, layout = NftCommand(), LAYOUTS[family]
    name = layout.table

    async def play() -> None:
        table, ruleset = Table(), Ruleset(layout)
        start = str(ruleset.load(Change(), None))
        table.run(start)
        await nft.run(f"add table {name}\ndelete table {name}\n{start}")
        scratch = Plan()
        for told, change in takes(all_steps, family):
            scratch = told.scratch()
            script = str(ruleset.update(change))
            table.run(script)
            await nft.run(script)
        assert listed(await nft._nft("list", "table", *name.split())) == table.sets
        found = await nft.list_table(name)
        again = str(Ruleset(layout).load(difference(Plan(), scratch), found))
        table.run(again)
        await nft.run(again)
        assert listed(await nft._nft("list", "table", *name.split())) == table.sets
        assert table.normal()["chains"].keys() <= {w.split()[1] for w in found.splitlines() if "chain " in w}

    real_world.inside("host", play)


@pytest.mark.kernel
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(all_steps=histories(10), family=st.sampled_from(Family))
def test_a_mode_at_work_leaves_in_the_kernel_what_the_plan_says(
    real_world: RealWorld, all_steps: list[tuple[Any, ...]], family: Family
) -> None:
    """Changes go by netlink and by nft, are proven by reading the kernel back, and are not taken for another's."""
    suspicions: list[None] = []

    async def play() -> None:
        mode = make("nftables", LAYOUTS[family].config)
        async with mode.at_work(lambda: suspicions.append(None)):
            try:
                await mode.load(Plan())
                for told, change in takes(all_steps, family):
                    await mode.apply(change)
                    assert await mode.differences(told.scratch()) == []
            finally:
                await mode.cleanup()
            await asyncio.sleep(0)

    real_world.inside("host", play)
    assert not suspicions


def test_one_endpoint_of_a_thousand_costs_a_few_elements() -> None:
    """The cost of a change follows the change, not the Service's size."""
    told = Told(Family.V4)
    told.step(("service", Wanted(1)))
    addresses = [f"10.244.{i // 200}.{i % 200 + 1}" for i in range(1000)]
    everyone = tuple(Backend(a, 0, "ready", "n2") for a in addresses)
    told.step(("slice", 1, "x", Piece(8080, everyone)))
    ruleset = Ruleset(LAYOUTS[Family.V4])
    ruleset.load(told.changes.take(), None)
    told.step(("slice", 1, "x", Piece(8080, everyone[:500] + everyone[501:])))
    transaction = ruleset.update(told.changes.take())
    assert sum(map(len, transaction.deleted.values())) + sum(map(len, transaction.added.values())) <= 5
