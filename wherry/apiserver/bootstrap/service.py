"""Service `kubernetes` in namespace `default`: the API server for pods, at the first address of the service range.

It has no selector; its Endpoints and EndpointSlice name the address the server advertises. Source: kubernetes
pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers.
"""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.family import Network, family_of
from wherry.objects.meaning.wellknown import SERVICE_NAME, SKIP_MIRROR

NAME, NAMESPACE = "kubernetes", "default"
PORT = 443


def address(service_cidr: Network) -> str:
    """Return the cluster IP of the service."""
    return str(service_cidr[1])


def service(service_cidr: Network, target_port: int) -> Object:
    """Return the Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata({"component": "apiserver", "provider": "kubernetes"}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address(service_cidr),
            "ports": [{"name": "https", "port": PORT, "protocol": "TCP", "targetPort": target_port}],
            "sessionAffinity": "None",
        },
    }


def endpoints(ip: str, port: int) -> Object:
    """Return the Endpoints."""
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": _metadata({SKIP_MIRROR: "true"}),
        "subsets": [{"addresses": [{"ip": ip}], "ports": [{"name": "https", "port": port, "protocol": "TCP"}]}],
    }


def endpoint_slice(ip: str, port: int) -> Object:
    """Return the EndpointSlice."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata({SERVICE_NAME: NAME}),
        "addressType": str(family_of(ip)),
        "endpoints": [{"addresses": [ip], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }


def _metadata(labels: dict[str, str]) -> Object:
    return {"name": NAME, "namespace": NAMESPACE, "labels": labels}
