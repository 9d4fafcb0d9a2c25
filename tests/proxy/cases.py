"""Where packets go: each case is one sentence, checked in the simulator (test_paths.py) and in the kernel
(test_paths_kernel.py)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from tests.proxy.build import (
    CLUSTER_IP,
    NODE_ADDRESS,
    TARGET_PORT,
    draining,
    endpoint,
    endpoint_slice,
    service,
    unready,
)
from tests.proxy.families import told_in
from tests.proxy.outcome import DROP, PASS, REJECT, Outcome, masqueraded_to, to
from wherry.objects import Object
from wherry.objects.family import Family

NODE_PORT = 30080
BALANCER = "192.168.51.100"
EXTERNAL = "192.168.51.101"


@dataclass(frozen=True)
class Case:
    """With `services` and `slices`, a connection from `source` to `destination`:`port` meets `expected`."""

    name: str
    services: list[Object]
    slices: list[Object]
    source: str
    destination: str
    port: int
    expected: Outcome
    protocol: str = "tcp"

    def told_in(self, family: Family) -> Case:
        """Return the same case with another family's addresses."""
        services, slices, destination = told_in(family, (self.services, self.slices, self.destination))
        return replace(self, services=services, slices=slices, destination=destination)

    def expected_in(self, mode: str) -> Outcome:
        """Return what becomes of it in a mode (of whichever variant), as the mode's README says."""
        mode = mode.partition("-")[0]
        if mode == "userspace" and self.expected.what == "to":
            return replace(self.expected, masqueraded=True)  # the proxy is the client
        return OTHERWISE.get((mode, self.name), self.expected)


NOBODY = "pod to a cluster IP of nobody is dropped"
OTHERWISE = {("iptables", NOBODY): REJECT, ("ipvs", NOBODY): REJECT}
"""(mode, case): what a mode does otherwise."""


def _node_port(**spec: Any) -> Object:
    ports = [{"port": 80, "nodePort": NODE_PORT, "protocol": "TCP"}]
    return service(ports=ports, **{"type": "NodePort", **spec})


def _balanced(ranges: list[str] | None = None, mode: str | None = None, **spec: Any) -> Object:
    ingress = {"ip": BALANCER, **({"ipMode": mode} if mode else {})}
    more = {"loadBalancerSourceRanges": ranges} if ranges else {}
    return _node_port(type="LoadBalancer", ingress=[ingress], **more, **spec)


ALL = [endpoint_slice([endpoint("p1"), endpoint("p2"), endpoint("r1")])]
REMOTE = [endpoint_slice([endpoint("r1")])]
HALF = [endpoint_slice([endpoint("p1"), unready("p2"), endpoint("r1")])]
NONE_READY = [endpoint_slice([unready("p1"), unready("r1")])]
DRAINING = [endpoint_slice([draining("p1"), unready("p2")])]
LOCAL = {"externalTrafficPolicy": "Local"}
INTERNAL = {"internalTrafficPolicy": "Local"}
UDP = [{"port": 53, "protocol": "UDP"}]
UDP_SLICE = [endpoint_slice([endpoint("p1"), endpoint("r1")], protocol="UDP")]

CASES = [
    Case("pod to cluster IP reaches every endpoint", [service()], ALL, "p3", CLUSTER_IP, 80, to("p1", "p2", "r1")),
    Case(
        "node to cluster IP reaches it masqueraded", [service()], REMOTE, "host", CLUSTER_IP, 80, masqueraded_to("r1")
    ),
    Case(
        "LAN to cluster IP reaches it masqueraded", [service()], REMOTE, "client", CLUSTER_IP, 80, masqueraded_to("r1")
    ),
    Case("an endpoint that is not ready gets none", [service()], HALF, "p3", CLUSTER_IP, 80, to("p1", "r1")),
    Case("without a ready one the draining one serves", [service()], DRAINING, "p3", CLUSTER_IP, 80, to("p1")),
    Case(
        "a pod reaches itself masqueraded",
        [service()],
        [endpoint_slice([endpoint("p1")])],
        "p1",
        CLUSTER_IP,
        80,
        masqueraded_to("p1"),
    ),
    Case("pod to cluster IP without endpoints is refused", [service()], [], "p1", CLUSTER_IP, 80, REJECT),
    Case("pod to cluster IP with none ready is refused", [service()], NONE_READY, "p1", CLUSTER_IP, 80, REJECT),
    Case("node to cluster IP without endpoints is refused", [service()], [], "host", CLUSTER_IP, 80, REJECT),
    Case("LAN to cluster IP without endpoints is refused", [service()], [], "client", CLUSTER_IP, 80, REJECT),
    Case("pod to a port the Service has not is refused", [service()], ALL, "p1", CLUSTER_IP, 81, REJECT),
    Case("node to a port the Service has not is refused", [service()], ALL, "host", CLUSTER_IP, 81, REJECT),
    Case(NOBODY, [service()], ALL, "p1", "10.96.0.99", 80, DROP),
    Case("pod to pod is left alone", [service()], ALL, "p1", "10.244.1.5", TARGET_PORT, PASS),
    Case("LAN to node port", [_node_port()], ALL, "client", NODE_ADDRESS, NODE_PORT, masqueraded_to("p1", "p2", "r1")),
    Case("pod to node port", [_node_port()], REMOTE, "p1", NODE_ADDRESS, NODE_PORT, masqueraded_to("r1")),
    Case(
        "node to its own node port",
        [_node_port()],
        ALL,
        "host",
        NODE_ADDRESS,
        NODE_PORT,
        masqueraded_to("p1", "p2", "r1"),
    ),
    Case(
        "LAN to node port without endpoints is refused", [_node_port()], [], "client", NODE_ADDRESS, NODE_PORT, REJECT
    ),
    Case("node to node port without endpoints is refused", [_node_port()], [], "host", NODE_ADDRESS, NODE_PORT, REJECT),
    Case(
        "external Local keeps the client's address",
        [_node_port(**LOCAL)],
        ALL,
        "client",
        NODE_ADDRESS,
        NODE_PORT,
        to("p1", "p2"),
    ),
    Case(
        "external Local without a local one drops",
        [_node_port(**LOCAL)],
        REMOTE,
        "client",
        NODE_ADDRESS,
        NODE_PORT,
        DROP,
    ),
    Case("external Local without any refuses", [_node_port(**LOCAL)], [], "client", NODE_ADDRESS, NODE_PORT, REJECT),
    Case("external Local lets pods reach all", [_node_port(**LOCAL)], REMOTE, "p1", NODE_ADDRESS, NODE_PORT, to("r1")),
    Case(
        "external Local lets the node reach all",
        [_node_port(**LOCAL)],
        REMOTE,
        "host",
        NODE_ADDRESS,
        NODE_PORT,
        masqueraded_to("r1"),
    ),
    Case("external Local leaves the cluster IP alone", [_node_port(**LOCAL)], REMOTE, "p1", CLUSTER_IP, 80, to("r1")),
    Case("internal Local uses this node's", [service(**INTERNAL)], ALL, "p3", CLUSTER_IP, 80, to("p1", "p2")),
    Case("internal Local without a local one drops", [service(**INTERNAL)], REMOTE, "p1", CLUSTER_IP, 80, DROP),
    Case(
        "internal Local leaves the node port alone",
        [_node_port(**INTERNAL)],
        REMOTE,
        "client",
        NODE_ADDRESS,
        NODE_PORT,
        masqueraded_to("r1"),
    ),
    Case("load balancer IP", [_balanced()], REMOTE, "client", BALANCER, 80, masqueraded_to("r1")),
    Case(
        "load balancer IP lets its ranges in",
        [_balanced(["192.168.51.0/28"])],
        REMOTE,
        "client",
        BALANCER,
        80,
        masqueraded_to("r1"),
    ),
    Case(
        "load balancer IP keeps others out",
        [_balanced(["192.168.52.0/24", "172.16.0.1/32"])],
        REMOTE,
        "client",
        BALANCER,
        80,
        DROP,
    ),
    Case(
        "ranges do not guard the node port",
        [_balanced(["192.168.52.0/24"])],
        REMOTE,
        "client",
        NODE_ADDRESS,
        NODE_PORT,
        masqueraded_to("r1"),
    ),
    Case(
        "load balancer IP with Local and ranges",
        [_balanced(["192.168.51.0/28"], **LOCAL)],
        ALL,
        "client",
        BALANCER,
        80,
        to("p1", "p2"),
    ),
    Case("external IP", [service(externalIPs=[EXTERNAL])], REMOTE, "client", EXTERNAL, 80, masqueraded_to("r1")),
    Case("UDP from pod", [service(ports=UDP)], UDP_SLICE, "p3", CLUSTER_IP, 53, to("p1", "r1"), "udp"),
    Case("UDP without endpoints is refused", [service(ports=UDP)], [], "p1", CLUSTER_IP, 53, REJECT, "udp"),
    Case("TCP to a UDP port is refused", [service(ports=UDP)], UDP_SLICE, "p1", CLUSTER_IP, 53, REJECT),
    Case(
        "a cluster IP is not taken by an external IP",
        [service(), service("thief", cluster_ip="10.96.0.11", externalIPs=[CLUSTER_IP])],
        REMOTE,
        "p1",
        CLUSTER_IP,
        80,
        to("r1"),
    ),
]
OF_NOBODY = next(case for case in CASES if case.name == NOBODY)
