"""Routes to the other nodes' pods."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wherry.node.routes import wanted
from wherry.objects import Object


def node(name: str, address: str, cidr: str) -> Object:
    addresses = [{"type": "InternalIP", "address": address}] if address else []
    return {"metadata": {"name": name}, "spec": {"podCIDR": cidr} if cidr else {}, "status": {"addresses": addresses}}


NODES = [
    node("n1", "192.168.51.209", "10.244.0.0/24"),
    node("n2", "192.168.51.210", "10.244.1.0/24"),
    node("new", "", "10.244.2.0/24"),
    node("odd", "192.168.51.212", ""),
    node("garbage", "garbage", "10.244.3.0/24"),
    node("rubbish", "192.168.51.213", "rubbish"),
]


def test_every_other_node_that_has_both_an_address_and_a_range_is_routed_to():
    assert wanted(NODES, "n1") == {"10.244.1.0/24": "192.168.51.210"}


def test_leading_zeros_and_bits_beyond_the_prefix_do_not_reach_the_kernel():
    assert wanted([node("n2", "192.168.051.210", "10.244.001.7/24")], "n1") == {"10.244.1.0/24": "192.168.51.210"}


def test_each_range_goes_by_the_address_of_its_family():
    both = node("n2", "192.168.51.210", "10.244.1.0/24")
    both["spec"]["podCIDRs"] = ["10.244.1.0/24", "fd00:244:0:1::/64"]
    both["status"]["addresses"].append({"type": "InternalIP", "address": "fd00:51::d2"})
    assert wanted([both], "n1") == {"10.244.1.0/24": "192.168.51.210", "fd00:244:0:1::/64": "fd00:51::d2"}


@pytest.mark.kernel
def test_the_route_to_a_node_that_is_gone_is_removed_and_nobody_elses():
    """In a namespace of its own: the keeper's routes follow the nodes, an administrator's stay."""
    script = """
import subprocess
from wherry.component.informer import Informer
from tests.fake.client import FakeClient
from wherry.net.links import Links
from wherry.node.routes import OURS, RouteKeeper
from wherry.objects.resource import NODES
for command in ("link add lan type veth peer name other", "link set other up",
                "addr add 192.168.51.209/24 dev lan", "addr add fd00:51::d1/64 dev lan nodad",
                "link set lan up", "route add 10.244.8.0/24 via 192.168.51.8"):
    subprocess.run(["ip", *command.split()], check=True)
keeper = RouteKeeper(Informer(FakeClient(), NODES), "n1")
keeper._apply({"10.244.1.0/24": "192.168.51.210", "10.244.2.0/24": "192.168.51.211", "fd00:2::/64": "fd00:51::d3"})
assert keeper._apply({"10.250.0.0/24": "8.8.8.8", "10.244.1.0/24": "192.168.51.220", "fd00:1::/64": "fd00:51::d2"})
with Links() as links:
    print(links.routes(OURS))
print(subprocess.run(["ip", "route"], capture_output=True, text=True).stdout)
"""
    done = subprocess.run(["unshare", "-n", sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "{'10.244.1.0/24': '192.168.51.220', 'fd00:1::/64': 'fd00:51::d2'}" in done.stdout
    assert "10.244.8.0/24 via 192.168.51.8" in done.stdout
    assert "10.244.2.0/24" not in done.stdout
