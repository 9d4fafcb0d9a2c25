"""Questions about a Service's spec that its defaults, its addresses, its ports and its checks all ask.

Source: k8s.io/kubernetes pkg/api/service/util.go, pkg/registry/core/service/strategy.go.
"""

from __future__ import annotations

from wherry.objects import Object

NO_IP = "None"
"""The clusterIP of a headless Service."""


def of(service: Object) -> Object:
    """Return the spec."""
    spec: Object = service.get("spec") or {}
    return spec


def cluster_ips(spec: Object) -> list[str]:
    """Return `clusterIPs`."""
    found: list[str] = spec.get("clusterIPs") or []
    return found


def is_headless(spec: Object) -> bool:
    """Return whether clients get the endpoints' own addresses."""
    return cluster_ips(spec) == [NO_IP]


def needs_cluster_ip(spec: Object) -> bool:
    """Return whether the type is one with a cluster IP."""
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def needs_node_port(spec: Object) -> bool:
    """Return whether the type is one with node ports."""
    return spec.get("type") in ("NodePort", "LoadBalancer")


def allocates_node_ports(spec: Object) -> bool:
    """Return whether ports without a node port get one."""
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def is_reachable_from_outside(spec: Object) -> bool:
    """Return whether traffic from outside the cluster can arrive, so that `externalTrafficPolicy` has a meaning."""
    return needs_node_port(spec) or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def needs_health_check(spec: Object) -> bool:
    """Return whether load balancers ask each node if it has local endpoints."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def node_ports(spec: Object) -> list[int]:
    """Return the node ports in use, the health check's among them."""
    ports = [p["nodePort"] for p in spec.get("ports") or () if p.get("nodePort")]
    return [*ports, spec["healthCheckNodePort"]] if spec.get("healthCheckNodePort") else ports
