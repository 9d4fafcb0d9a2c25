"""Where packets go, in the simulator."""

from __future__ import annotations

import pytest

from tests.proxy.build import CLUSTER_CIDR, CLUSTER_IP, NODE, SERVICE_CIDR, endpoint, endpoint_slice, service
from tests.proxy.cases import BALANCER, CASES, REMOTE, Case, _balanced
from tests.proxy.outcome import PASS, to
from tests.proxy.simulator import Simulator, Table
from wherry.objects import Object
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.nftables.ruleset import Ruleset
from wherry.proxy.plan import Plan, difference, make_plan

LAYOUT = Layout(ModeConfig((CLUSTER_CIDR,), (SERVICE_CIDR,)))


def simulate(services: list[Object], slices: list[Object]) -> Simulator:
    table = Table()
    table.run(str(Ruleset(LAYOUT).load(difference(Plan(), make_plan(services, slices, NODE)), None)))
    return Simulator(table)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_a_packet_goes(case: Case) -> None:
    """The case's sentence holds for the generated maps."""
    simulator = simulate(case.services, case.slices)
    assert str(simulator.send(case.source, case.destination, case.port, case.protocol)) == str(case.expected)


def test_a_load_balancer_in_proxy_mode_is_not_captured() -> None:
    simulator = simulate([_balanced(mode="Proxy")], REMOTE)
    assert simulator.send("client", BALANCER, 80) == PASS


def test_affinity_keeps_a_client_with_its_endpoint() -> None:
    affine = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 60}})
    simulator = simulate([affine], [endpoint_slice([endpoint("p1"), endpoint("r1")])])
    simulator.table.sets["affinity"][f"10.244.0.6 . {CLUSTER_IP} . tcp . 80"] = "10.244.1.5 . 8080"
    assert simulator.send("p2", CLUSTER_IP, 80) == to("r1")
    assert simulator.send("p3", CLUSTER_IP, 80) == to("p1", "r1")
