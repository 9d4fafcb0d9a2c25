"""The cluster's LAN and the nodes on it: network namespaces joined by a bridge that lives in a namespace of its own.

    lan:  lan0 (bridge) 192.168.51.1/24 ── veth ── eth0 192.168.51.209/24 :k8s-master
                                        └─ veth ── eth0 192.168.51.210/24 :k8s-slave1 …

The LAN's own end stands for "a machine outside the cluster": host-side forwards connect from there.
"""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network

from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.paths import LAN_NAMESPACE, node_namespace
from wherry.net import namespaces
from wherry.net.links import Links, sysctl
from wherry.objects.family import family_of

BRIDGE = "lan0"
REFUSAL = """
table ip beyond {
    chain forward {
        type filter hook forward priority filter
        oifname lo reject with icmp net-unreachable
    }
}"""
"""Nothing lies beyond the LAN, and a router says so, where silence costs a time-out. A missing route would say so too,
but only to the first few packets: the kernel then falls silent (`ip_error` in net/ipv4/route.c), and each SYN lost
that way costs its sender a second."""


def build(config: ClusterConfig) -> None:
    """Make the LAN and every node's namespace (in a fresh sandbox: nothing is there yet)."""
    namespaces.create(LAN_NAMESPACE)
    for node in config.nodes:
        namespaces.create(node_namespace(node.name))
    namespaces.run(LAN_NAMESPACE, _build_lan, config)
    for node in config.nodes:
        namespaces.run(node_namespace(node.name), _build_node, node, config)


def _build_lan(config: ClusterConfig) -> None:
    lan = IPv4Network(config.node_cidr)
    with Links() as links:
        links.loopback_up()
        links.bridge(BRIDGE)
        links.address(BRIDGE, config.lan_gateway, lan.prefixlen)
        for number, node in enumerate(config.nodes):
            port = f"node{number}"
            links.veth(port, "eth0", node_namespace(node.name))
            links.attach(port, BRIDGE)
            links.up(port)
            links.route(node.pod_cidr, via=node.address)  # the way back, for what it says to pods
        links.route("0.0.0.0/0", link="lo")
    sysctl("net/ipv4/ip_forward", "1")
    sysctl("net/ipv4/icmp_ratelimit", "0")
    subprocess.run(["nft", "-f", "-"], input=REFUSAL, text=True, check=True)


def _build_node(node: Node, config: ClusterConfig) -> None:
    with Links() as links:
        links.loopback_up()
        links.address("eth0", node.address, IPv4Network(config.node_cidr).prefixlen)
        links.up("eth0")
        links.route(family_of(config.lan_gateway).everywhere, via=config.lan_gateway, link="eth0")
    sysctl("net/ipv4/ip_forward", "1")
