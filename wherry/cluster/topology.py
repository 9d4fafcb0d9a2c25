"""The cluster's LAN and the nodes on it: network namespaces joined by a bridge that lives in a namespace of its own.

    lan:  lan0 (bridge) 192.168.51.1/24 ── veth ── eth0 192.168.51.209/24 :k8s-master
                                        └─ veth ── eth0 192.168.51.210/24 :k8s-slave1 …

The LAN's own end stands for "a machine outside the cluster": host-side forwards connect from there.
"""

from __future__ import annotations

import subprocess

from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.paths import LAN_NAMESPACE, node_namespace
from wherry.net import namespaces
from wherry.net.links import Links, addresses_at_once, forward, sysctl
from wherry.objects.family import Family

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
ICMP_LIMIT = {Family.V4: "net/ipv4/icmp_ratelimit", Family.V6: "net/ipv6/icmp/ratelimit"}


def build(config: ClusterConfig) -> None:
    """Make the LAN and every node's namespace (in a fresh sandbox: nothing is there yet)."""
    for path in (LAN_NAMESPACE, *(node_namespace(node.name) for node in config.nodes)):
        namespaces.create(path)
        namespaces.run(path, addresses_at_once, "default")
    namespaces.run(LAN_NAMESPACE, _build_lan, config)
    for node in config.nodes:
        namespaces.run(node_namespace(node.name), _build_node, node, config)


def _build_lan(config: ClusterConfig) -> None:
    with Links() as links:
        links.loopback_up()
        links.bridge(BRIDGE)
        for family, gateway in config.lan_gateways.items():
            links.address(BRIDGE, gateway, config.node_networks[family].prefixlen)
        for number, node in enumerate(config.nodes):
            port = f"node{number}"
            links.veth(port, "eth0", node_namespace(node.name))
            links.attach(port, BRIDGE)
            links.up(port)
            for cidr, address in zip(node.pod_cidrs, node.addresses, strict=True):
                links.route(cidr, via=address)  # the way back, for what it says to pods
        if config.balancer_pool:
            links.route(str(config.balancer_pool), via=config.control_plane.address)
        for family in config.families:
            links.route(family.everywhere, link="lo")
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
