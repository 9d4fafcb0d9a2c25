"""Service (core/v1).

Addresses and node ports are allocated in `serviceip` and `nodeport`, and held by `claims`.
Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Service), pkg/registry/core/service,
pkg/printers/internalversion/printers.go (printService).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells
from wherry.apiserver.kinds.core.services import claims, nodeport, servicecheck, serviceip, servicespec
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.objects import Object
from wherry.objects.meaning.services import balancers
from wherry.objects.resource import SERVICES

_AFFINITY_SECONDS = 10800


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec["type"] = kind = spec.get("type") or "ClusterIP"
    _default_affinity(spec)
    for port in spec.get("ports") or ():
        port["protocol"] = port.get("protocol") or "TCP"
        port["targetPort"] = port.get("targetPort") or port.get("port") or 0
    if servicespec.is_reachable_from_outside(spec):
        spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
    if servicespec.needs_cluster_ip(spec) and spec.get("internalTrafficPolicy") is None:
        spec["internalTrafficPolicy"] = "Cluster"
    if kind == "LoadBalancer":
        if spec.get("allocateLoadBalancerNodePorts") is None:
            spec["allocateLoadBalancerNodePorts"] = True
        for entry in balancers(obj):
            if entry.get("ip"):
                entry["ipMode"] = entry.get("ipMode") or "VIP"
    status = obj.get("status") or {}
    obj["status"] = {**status, "loadBalancer": status.get("loadBalancer") or {}}


def _default_affinity(spec: Object) -> None:
    spec["sessionAffinity"] = affinity = spec.get("sessionAffinity") or "None"
    if affinity == "None":
        spec.pop("sessionAffinityConfig", None)
    if affinity == "ClientIP":
        client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _AFFINITY_SECONDS}}


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    spec = new["spec"]
    before = servicespec.of(old) if old else None
    serviceip.link(spec, before)
    if before is None:
        new["status"] = {"loadBalancer": {}}
    else:
        for part in (nodeport, serviceip):
            part.keep(spec, before)
            part.drop(spec, before)
        serviceip.downgrade(spec, before)


def _allocate(new: Object, old: Object | None, context: Context) -> None:
    serviceip.allocate(new, old, context)
    nodeport.allocate(new, old, context)


def _external_ip(obj: Object, width: int) -> str:
    spec = servicespec.of(obj)
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or ""
    addresses = list(spec.get("externalIPs") or ())
    if spec.get("type") == "LoadBalancer":
        balancer = cells.load_balancer(obj, width)
        return ",".join(([balancer] if balancer else []) + addresses) or "<pending>"
    return ",".join(addresses) or cells.NONE


def _ports(obj: Object) -> str:
    shown = []
    for port in servicespec.of(obj).get("ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol')}")
    return ",".join(shown) or cells.NONE


SERVICE = Kind(
    resource=SERVICES,
    short_names=("svc",),
    categories=("all",),
    name_pattern="service-name",
    create_on_update=True,
    default=_default,
    prepare=_prepare,
    allocate=_allocate,
    validate=servicecheck.validate,
    validate_update=servicecheck.validate_update,
    claims=claims.of,
    claim_kinds=(IP_ADDRESS, claims.NODE_PORT),
    has_status=True,
    columns=(
        Column("Type", lambda obj: servicespec.of(obj).get("type") or ""),
        Column("Cluster-IP", lambda obj: servicespec.of(obj).get("clusterIP") or cells.NONE),
        Column("External-IP", lambda obj: _external_ip(obj, 16)),
        Column("Port(s)", _ports),
        Column("Selector", lambda obj: cells.labels(servicespec.of(obj).get("selector")), priority=1),
    ),
    fields={
        "spec.clusterIP": lambda obj: servicespec.of(obj).get("clusterIP") or "",
        "spec.type": lambda obj: servicespec.of(obj).get("type") or "",
    },
)
