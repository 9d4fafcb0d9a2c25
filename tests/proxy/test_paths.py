"""Where packets go, in the simulator."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proxy.build import CLUSTER_CIDR, CLUSTER_IP, NODE, SERVICE_CIDR, endpoint, endpoint_slice, service
from tests.proxy.cases import BALANCER, CASES, REMOTE, Case, _balanced
from tests.proxy.families import told_in
from tests.proxy.outcome import PASS, to
from tests.proxy.simulator import Simulator, Table
from wherry.objects import Object
from wherry.objects.family import Family
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.plan import Plan, difference, make_plan


def simulate(services: list[Object], slices: list[Object], family: Family = Family.V4) -> Simulator:
    layout = Layout(family, ModeConfig(*told_in(family, ((CLUSTER_CIDR,), (SERVICE_CIDR,)))))
    node = replace(NODE, addresses=told_in(family, NODE.addresses))
    table = Table()
    table.run(str(Ruleset(layout).load(difference(Plan(), make_plan(services, slices, node)), None)))
    return Simulator(table, family)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_packet_goes(case: Case, family: Family) -> None:
    """The case's sentence holds for the generated maps."""
    case = case.told_in(family)
    simulator = simulate(case.services, case.slices, family)
    assert str(simulator.send(case.source, case.destination, case.port, case.protocol)) == str(case.expected)


def test_a_load_balancer_in_proxy_mode_is_not_captured() -> None:
    simulator = simulate([_balanced(mode="Proxy")], REMOTE)
    assert simulator.send("client", BALANCER, 80) == PASS


def test_affinity_keeps_a_client_with_its_endpoint() -> None:
    affine = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}})
    both = [affine], [endpoint_slice([endpoint("p1"), endpoint("r1")])]
    simulator = simulate(*both)
    simulator.table.sets["affinity"][f"10.244.0.6 . {CLUSTER_IP} . tcp . 80"] = "10.244.1.5 . 8080"
    assert simulator.send("p2", CLUSTER_IP, 80) == to("r1")
    assert simulator.send("p3", CLUSTER_IP, 80) == to("p1", "r1")
    simulator = simulate(*told_in(Family.V6, both), Family.V6)
    simulator.table.sets["affinity-fd00__a_60_0_a.tcp.80"]["fd00::a:f4:0:6"] = "fd00::a:f4:1:5"
    simulator.table.sets["affinity-fd00__a_60_0_a.tcp.80.ports"]["fd00::a:f4:0:6"] = "8080"
    assert simulator.send("p2", "fd00::a:60:0:a", 80) == to("r1")
    assert simulator.send("p3", "fd00::a:60:0:a", 80) == to("p1", "r1")
