"""Short ways to write the objects the ingress tests need."""

from __future__ import annotations

import base64
from typing import Any

from wherry.objects import Object

PREFIX = "nginx.ingress.kubernetes.io"


def path(
    at: str = "/", service: str = "web", port: int | str = 80, path_type: str = "ImplementationSpecific"
) -> Object:
    number_or_name = {"number": port} if isinstance(port, int) else {"name": port}
    return {"path": at, "pathType": path_type, "backend": {"service": {"name": service, "port": number_or_name}}}


def rule(host: str = "", *paths: Object) -> Object:
    found: Object = {"http": {"paths": list(paths or [path()])}}
    return {"host": host, **found} if host else found


def ingress(
    name: str = "web",
    *rules: Object,
    namespace: str = "demo",
    annotations: dict[str, str] | None = None,
    created: str = "2026-01-01T00:00:00Z",
    **spec: Any,
) -> Object:
    """An Ingress; annotations without a slash get ingress-nginx' prefix."""
    marks = {k if "/" in k else f"{PREFIX}/{k}": v for k, v in (annotations or {}).items()}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "creationTimestamp": created,
            "annotations": marks,
        },
        "spec": {"rules": list(rules), **spec},
    }


def service(name: str = "web", *ports: Object, namespace: str = "demo", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": list(ports or [{"port": 80, "targetPort": 8002}]), "clusterIP": "10.96.1.1", **spec},
    }


def endpoint_slice(
    service_name: str = "web",
    *endpoints: tuple[str, int],
    namespace: str = "demo",
    ready: bool | None = True,
    port_name: str = "",
    suffix: str = "",
) -> Object:
    """One slice; endpoints that differ in port need a slice each, so all must share one."""
    ports = sorted({port for _, port in endpoints})
    assert len(ports) <= 1
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-abc{suffix}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"} for port in ports],
        "endpoints": [
            {"addresses": [address], "conditions": {} if ready is None else {"ready": ready}}
            for address, _ in endpoints
        ],
    }


def tls_secret(name: str, chain: bytes, key: bytes, namespace: str = "demo") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": base64.b64encode(chain).decode(), "tls.key": base64.b64encode(key).decode()},
    }
