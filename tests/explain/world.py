"""A small cluster to trace in: two nodes, a client, a Service `web` of the pods w1 (n1) and w2 (n2), DNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.networkpolicy import build as policies
from tests.proxy import build
from wherry.dns.explain import Asked
from wherry.explain.naming import Names
from wherry.explain.snapshot import Snapshot
from wherry.explain.step import Trace
from wherry.explain.trace import trace
from wherry.objects import Object

N1, N2 = "192.168.51.209", "192.168.51.210"
CLIENT, W1, W2, DNS = "10.244.0.9", "10.244.0.5", "10.244.1.5", "10.244.0.53"
WEB, DNS_IP = "10.96.0.10", "10.96.0.53"


def node(name: str, address: str, ready: str = "True") -> Object:
    made = build.node(name, address)
    return {**made, "status": {**made["status"], "conditions": [{"type": "Ready", "status": ready}]}}


def pod(name: str, address: str, on: str, **more: Any) -> Object:
    made = policies.pod(name, address, node=on, **more)
    made["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    return made


def endpoint(address: str, on: str, **conditions: bool) -> Object:
    return {"addresses": [address], "nodeName": on, "conditions": {"ready": True, **conditions}}


def slice_of(service: str, port: int, *endpoints: Object, namespace: str = "demo", protocol: str = "TCP") -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": port, "protocol": protocol}],
        "endpoints": list(endpoints),
    }


def snapshot(**other: Any) -> Snapshot:
    held: dict[str, Any] = {
        "nodes": [node("n1", N1), node("n2", N2)],
        "pods": [
            pod("client", CLIENT, "n1", labels={"app": "client"}),
            pod("w1", W1, "n1", labels={"app": "web"}),
            pod("w2", W2, "n2", labels={"app": "web"}),
            pod("dns", DNS, "n1", namespace="kube-system"),
        ],
        "namespaces": [policies.namespace("demo"), policies.namespace("kube-system")],
        "services": [web()],
        "slices": [slice_of("web", 8080, endpoint(W1, "n1"), endpoint(W2, "n2"))],
        "cluster_cidrs": ("10.244.0.0/16",),
        "service_cidrs": ("10.96.0.0/12",),
        **other,
    }
    dns = build.service("kube-dns", [{"port": 53, "protocol": "UDP"}], namespace="kube-system", cluster_ip=DNS_IP)
    held["services"] = [*held["services"], dns]
    answers = slice_of("kube-dns", 53, endpoint(DNS, "n1"), namespace="kube-system", protocol="UDP")
    held["slices"] = [*held["slices"], answers]
    return Snapshot(**held)


def web(**spec: Any) -> Object:
    return build.service("web", [{"port": 80, **spec.pop("port", {})}], **{"selector": {"app": "web"}, **spec})


async def _ask(name: str, type: str, client: str, search: Sequence[str], dots: int) -> list[Asked]:
    known = {"web.demo.svc.cluster.local.": WEB}
    asked = []
    for full in [f"{name}.{domain}." for domain in search]:
        found = known.get(full)
        record = (f"{full} 30 A {found}",) if found else ()
        asked.append(Asked(full, "NOERROR" if found else "NXDOMAIN", (), record, (found,) if found else ()))
        if found:
            break
    return asked


async def _local(name: str) -> list[str]:
    return ["203.0.113.9"] if name == "example.org" else []


async def traced(whence: str, whither: str, held: Snapshot | None = None, via: str = "") -> Trace:
    names = Names(_ask, _local, (DNS_IP,), "cluster.local")
    return await trace(whence, whither, "demo", held or snapshot(), names, via)


def step(told: Trace, about: str) -> str:
    """Return all that is said about one thing."""
    return "\n".join(line for s in told.steps if s.about == about for line in (s.text, *s.details))
