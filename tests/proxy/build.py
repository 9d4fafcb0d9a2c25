"""Short words for API objects: the small world every proxy test speaks of.

Node n1 (192.168.51.209) has the pods p1, p2 and p3; pod r1 is on n2; `client` is a machine on the LAN; `host` is n1.
"""

from __future__ import annotations

from typing import Any

from wherry.objects import Object
from wherry.proxy.topology import ThisNode

PODS = {"p1": "10.244.0.5", "p2": "10.244.0.6", "p3": "10.244.0.7", "r1": "10.244.1.5"}
POD_NODES = {"p1": "n1", "p2": "n1", "p3": "n1", "r1": "n2"}
NODE_ADDRESS = "192.168.51.209"
CLIENT_ADDRESS = "192.168.51.1"
ADDRESSES = {**PODS, "host": NODE_ADDRESS, "client": CLIENT_ADDRESS}
NODE = ThisNode("n1", "", (NODE_ADDRESS,))
CLUSTER_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/12"
CLUSTER_IP = "10.96.0.10"
TARGET_PORT = 8080


def service(
    name: str = "web",
    ports: list[dict[str, Any]] | None = None,
    *,
    namespace: str = "demo",
    cluster_ip: str = CLUSTER_IP,
    ingress: list[dict[str, Any]] | None = None,
    labels: dict[str, str] | None = None,
    **spec: Any,
) -> Object:
    obj: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": namespace, "name": name, "labels": labels or {}},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "ports": ports or [{"port": 80, "targetPort": TARGET_PORT, "protocol": "TCP"}],
            **spec,
        },
    }
    if ingress:
        obj["status"] = {"loadBalancer": {"ingress": ingress}}
    return obj


def endpoint(pod: str, **conditions: Any) -> dict[str, Any]:
    """An endpoint of a pod; conditions default to ready. `zones` and `nodes` are hints."""
    hints = {}
    if zones := conditions.pop("zones", None):
        hints["forZones"] = [{"name": z} for z in zones]
    if nodes := conditions.pop("nodes", None):
        hints["forNodes"] = [{"name": n} for n in nodes]
    entry: dict[str, Any] = {
        "addresses": [PODS.get(pod, pod)],
        "nodeName": POD_NODES.get(pod, "n2"),
        "conditions": {"ready": True, "serving": True, "terminating": False, **conditions},
    }
    if hints:
        entry["hints"] = hints
    return entry


def unready(pod: str) -> dict[str, Any]:
    return endpoint(pod, ready=False, serving=False)


def draining(pod: str) -> dict[str, Any]:
    return endpoint(pod, ready=False, serving=True, terminating=True)


def endpoint_slice(
    endpoints: list[dict[str, Any]],
    *,
    service: str = "web",
    name: str = "",
    namespace: str = "demo",
    port: int | None = TARGET_PORT,
    port_name: str = "",
    protocol: str = "TCP",
    family: str = "IPv4",
) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": namespace,
            "name": name or f"{service}-1",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "ports": [{"name": port_name, "port": port, "protocol": protocol}],
        "endpoints": endpoints,
    }


def node(name: str = "n1", address: str = NODE_ADDRESS, zone: str = "") -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]},
    }
