"""The cluster's LAN and the nodes on it: network namespaces joined by a bridge that lives in a namespace of its own.

    lan:  lan0 (bridge) 192.168.51.1/24 ── veth ── eth0 192.168.51.209/24 :k8s-master
                                        └─ veth ── eth0 192.168.51.210/24 :k8s-slave1 …

The LAN's own end stands for "a machine outside the cluster": host-side forwards connect from there.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.paths import LAN_NAMESPACE, node_namespace
from wherry.net import namespaces
from wherry.net.links import Links, addresses_at_once, forward
from wherry.net.sysctls import sysctl
from wherry.objects.family import Family, family_of, network, network_family

BRIDGE = "lan0"
REFUSAL = {
    Family.V4: """
table ip beyond {
    chain forward {
        type filter hook forward priority filter
        oifname lo reject with icmp net-unreachable
    }
}""",
    Family.V6: """
table ip6 beyond {
    chain prerouting {
        type filter hook prerouting priority filter
        meta l4proto tcp fib daddr type unreachable reject with tcp reset
    }
}""",
}
"""Nothing lies beyond the LAN, and a router says so, where silence costs a time-out. A missing route would say so too,
but only to the first few IPv4 packets: the kernel then falls silent (`ip_error` in net/ipv4/route.c), and each SYN lost
that way costs its sender a second. Of IPv6 a route to `lo` is a refusal, always told; but a connecting socket of this
machine heeds it only at its second SYN, a second later (`tcp_v6_err`), and a reset at once."""
NOWHERE = ("0.0.0.0/0", "169.254.0.0/16", "::/0")
"""What is refused, but what a more narrow route takes: all there is; of IPv4 also link-local addresses."""
ICMP_LIMIT = {Family.V4: "net/ipv4/icmp_ratelimit", Family.V6: "net/ipv6/icmp/ratelimit"}


def port(node: str) -> str:
    """Return what the LAN calls its end of a node's cable: 14 letters, as a link's name has 15 at most."""
    return f"node{hashlib.sha256(node.encode()).hexdigest()[:10]}"


def build(config: ClusterConfig) -> None:
    """Make the LAN and every node's namespace (in a fresh sandbox: nothing is there yet)."""
    _create(LAN_NAMESPACE)
    namespaces.run(LAN_NAMESPACE, _build_lan, config)
    for node in config.nodes:
        add(node, config)


def add(node: Node, config: ClusterConfig) -> None:
    """Make a node's namespace, and its cable to the LAN."""
    _create(node_namespace(node.name))
    namespaces.run(LAN_NAMESPACE, _plug, node)
    namespaces.run(node_namespace(node.name), _build_node, node, config)


def remove(node: Node) -> None:
    """Let go of a node's namespace and of its cable."""

    def unplug() -> None:
        with Links() as links:
            links.delete(port(node.name))
            for cidr in node.pod_cidrs:
                links.delete_route(cidr)

    namespaces.run(LAN_NAMESPACE, unplug)
    namespaces.delete(node_namespace(node.name))


def _create(path: Path) -> None:
    namespaces.create(path)
    namespaces.run(path, addresses_at_once, "default")


def _plug(node: Node) -> None:
    with Links() as links:
        links.veth(port(node.name), "eth0", node_namespace(node.name))
        links.attach(port(node.name), BRIDGE)
        links.up(port(node.name))
        for cidr, address in zip(node.pod_cidrs, node.addresses, strict=True):
            links.route(cidr, via=address)  # the way back, for what it says to pods


def _build_lan(config: ClusterConfig) -> None:
    with Links() as links:
        links.loopback_up()
        links.bridge(BRIDGE)
        for family, gateway in config.lan_gateways.items():
            links.address(BRIDGE, gateway, config.node_networks[family].prefixlen)
        for address in config.control_plane.addresses:
            if pool := config.balancer_pools.get(family_of(address)):
                links.route(str(pool), via=address)
        for cidr in (*NOWHERE, *f"{config.pod_cidr},{config.service_cidr}".split(",")):
            if network_family(network(cidr)) in config.families:
                links.route(cidr, link="lo")  # also where there is a way out
    forward(config.families)
    for family in config.families:
        sysctl(ICMP_LIMIT[family], "0")
        subprocess.run(["nft", "-f", "-"], input=REFUSAL[family], text=True, check=True)


def _build_node(node: Node, config: ClusterConfig) -> None:
    with Links() as links:
        links.loopback_up()
        for address, lan in zip(node.addresses, config.node_networks.values(), strict=True):
            links.address("eth0", address, lan.prefixlen)
        links.up("eth0")
        for family, gateway in config.lan_gateways.items():
            links.route(family.everywhere, via=gateway, link="eth0")
    forward(config.families)
