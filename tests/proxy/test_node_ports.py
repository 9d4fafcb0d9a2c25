"""Where node ports are answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.proxy.build import NODE, NODE_ADDRESS, endpoint, endpoint_slice, service
from tests.proxy.cases import NODE_PORT
from wherry.proxy.node_ports import chosen
from wherry.proxy.plan import Kind, make_plan

THERE = ["127.0.0.1", "::1", "192.168.51.209", "10.244.0.1", "fe80::1", "fd00:51::d1", "169.254.0.1"]


@pytest.mark.parametrize(
    ("cidrs", "wanted"),
    [
        (["0.0.0.0/0"], ("10.244.0.1", "192.168.51.209")),
        (["0.0.0.0/0", "::/0"], ("10.244.0.1", "192.168.51.209", "fd00:51::d1")),
        (["192.168.51.7/24"], ("192.168.51.209",)),
        (["172.16.0.0/12"], ()),
        ([], ()),
    ],
)
def test_addresses_in_a_range_are_chosen_but_loopback_and_link_local_ones(
    cidrs: list[str], wanted: tuple[str, ...]
) -> None:
    assert chosen(THERE, cidrs) == wanted


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (None, {NODE_ADDRESS}),
        (("10.0.0.7", NODE_ADDRESS, "fd00::7"), {"10.0.0.7", NODE_ADDRESS}),
        ((), set()),
    ],
)
def test_a_node_port_is_planned_on_each_address_of_its_family(asked: tuple[str, ...] | None, wanted: set[str]) -> None:
    ports = [{"port": 80, "nodePort": NODE_PORT}]
    node = replace(NODE, node_port_addresses=asked)
    plan = make_plan([service(ports=ports, type="NodePort")], [endpoint_slice([endpoint("p1")])], node)
    assert {f.address for f, route in plan.routes.items() if route.kind is Kind.NodePort} == wanted
