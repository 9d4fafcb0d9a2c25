"""Short words for the objects that NetworkPolicies are about."""

from __future__ import annotations

from typing import Any

from wherry.objects import Object


def policy(name: str = "web", namespace: str = "demo", pods: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"},
        "spec": {"podSelector": pods or {}, **spec},
    }


def pod(
    name: str,
    address: str | None = None,
    namespace: str = "demo",
    *,
    labels: dict[str, str] | None = None,
    ports: dict[str, int | tuple[str, int]] | None = None,
    node: str = "n1",
    phase: str = "Running",
    **spec: Any,
) -> Object:
    listed = [
        {"name": n, "containerPort": p, "protocol": "TCP"}
        if isinstance(p, int)
        else {"name": n, "protocol": p[0], "containerPort": p[1]}
        for n, p in (ports or {}).items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}", "labels": labels or {}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "ports": listed}], **spec},
        "status": {"phase": phase, **({"podIP": address, "podIPs": [{"ip": address}]} if address else {})},
    }


def namespace(name: str, **labels: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, **labels}},
    }


def labelled(**labels: str) -> Object:
    return {"matchLabels": labels}
