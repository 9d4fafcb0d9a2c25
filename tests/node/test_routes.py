"""Routes to the other nodes' pods."""

from __future__ import annotations

from ipaddress import IPv4Network

from wherry.node.routes import stale, wanted
from wherry.objects import Object


def node(name: str, address: str, cidr: str) -> Object:
    addresses = [{"type": "InternalIP", "address": address}] if address else []
    return {"metadata": {"name": name}, "spec": {"podCIDR": cidr} if cidr else {}, "status": {"addresses": addresses}}


NODES = [
    node("n1", "192.168.51.209", "10.244.0.0/24"),
    node("n2", "192.168.51.210", "10.244.1.0/24"),
    node("new", "", "10.244.2.0/24"),
    node("odd", "192.168.51.212", ""),
]


def test_every_other_node_that_has_both_an_address_and_a_range_is_routed_to():
    assert wanted(NODES, "n1") == {"10.244.1.0/24": "192.168.51.210"}


def test_the_routes_of_a_node_that_is_gone_are_stale_and_nothing_else_is():
    present = {
        "default": "192.168.51.1",
        "192.168.51.0/24": None,
        "10.244.0.7/32": None,
        "10.244.1.0/24": "192.168.51.210",
        "10.244.9.0/24": "192.168.51.219",
        "172.16.0.0/12": "192.168.51.1",
    }
    routes = wanted(NODES, "n1")
    assert stale(present, routes, IPv4Network("10.244.0.0/24"), "192.168.51.209") == ["10.244.9.0/24"]
