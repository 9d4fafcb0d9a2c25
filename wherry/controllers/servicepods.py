"""Pure: the pods behind a Service, and what of them its endpoints show.

Source: upstream pkg/controller/endpoint/endpoints_controller.go, k8s.io/endpointslice utils.go,
pkg/api/v1/pod/util.go (`FindPort`).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from wherry.controllers.pods import is_finished, is_ready, ready_since
from wherry.objects import Object, metadata
from wherry.objects.selectors import from_labels
from wherry.objects.timestamps import micro, parse

HEADLESS_LABEL = "service.kubernetes.io/headless"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"


def has_selector(service: Object) -> bool:
    """Return whether the Service's endpoints are ours to make; without a selector somebody makes them by hand."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def selects(service: Object, pod: Object) -> bool:
    """Return whether a pod (of the same namespace) is behind the Service."""
    return has_selector(service) and from_labels(service["spec"]["selector"]).matches(metadata.labels(pod))


def is_headless(service: Object) -> bool:
    """Return whether the Service has no address of its own."""
    return bool(service["spec"].get("clusterIP") == "None")


def publishes_unready(service: Object) -> bool:
    """Return whether every pod counts as ready."""
    return bool(service["spec"].get("publishNotReadyAddresses"))


def addresses(pod: Object, family: str = "IPv4") -> list[str]:
    """Return a pod's addresses of one family (IPv4, IPv6)."""
    status = pod.get("status") or {}
    found = [p["ip"] for p in status.get("podIPs") or () if p.get("ip")]
    if not found and status.get("podIP"):
        found = [status["podIP"]]
    return [ip for ip in found if f"IPv{ip_address(ip).version}" == family]


def is_reachable(pod: Object, *, terminating: bool) -> bool:
    """Return whether a pod may be an endpoint at all; one being terminated only where `terminating` ones are shown."""
    status = pod.get("status") or {}
    if is_finished(pod) or not (status.get("podIP") or status.get("podIPs")):
        return False
    return terminating or not metadata.is_being_deleted(pod)


def ports(service: Object, pod: Object) -> list[Object]:
    """Return the Service's ports as this pod has them; a named target port the pod does not know is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = _target(port, pod)
        if number is None:
            continue
        entry: Object = {"name": port.get("name") or "", "port": number, "protocol": port.get("protocol") or "TCP"}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        found.append(entry)
    return sorted(found, key=lambda p: (p["name"], p["protocol"], p["port"]))


def _target(port: Object, pod: Object) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for candidate in container.get("ports") or ():
            protocol = candidate.get("protocol") or "TCP"
            if candidate.get("name") == target and protocol == (port.get("protocol") or "TCP"):
                return int(candidate["containerPort"])
    return None


def hostname(service: Object, pod: Object) -> str:
    """Return the name a pod has below the Service's own (`<hostname>.<service>.<namespace>.svc`), or ""."""
    spec = pod["spec"]
    named = spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]
    return str(spec["hostname"]) if named else ""


def target_reference(pod: Object) -> Object:
    """Return the reference to the pod behind an address."""
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def relevant(pod: Object) -> object:
    """Return what endpoints depend on: while this stays the same they do, whatever else changes in the pod."""
    spec, status = pod["spec"], pod.get("status") or {}
    return (
        metadata.labels(pod),
        metadata.is_being_deleted(pod),
        is_finished(pod),
        is_ready(pod),
        status.get("podIP"),
        status.get("podIPs"),
        spec.get("nodeName"),
        spec.get("hostname"),
        spec.get("subdomain"),
        pod["metadata"]["uid"],
    )


def touched(services: Iterable[Object], old: Object | None, new: Object | None) -> list[Object]:
    """Return the services whose endpoints a change of a pod may change."""
    if old is not None and new is not None and relevant(old) == relevant(new):
        return []
    return [s for s in services if any(pod is not None and selects(s, pod) for pod in (old, new))]


def trigger_time(service: Object, pods: Iterable[Object]) -> str:
    """Return when the latest change happened that endpoints follow: readiness, deletion, the Service's creation.

    Written to the endpoints, so that a proxy can tell how long a change took to arrive (KEP: network programming SLI).
    """
    times = [ready_since(p) for p in pods]
    times += [parse(p["metadata"]["deletionTimestamp"]) for p in pods if metadata.is_being_deleted(p)]
    if service["metadata"].get("creationTimestamp"):
        times.append(parse(service["metadata"]["creationTimestamp"]))
    return micro(max((t for t in times if t is not None), default=0.0))
