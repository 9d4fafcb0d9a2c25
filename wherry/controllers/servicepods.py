"""Pure: the pods behind a Service, and what of them its endpoints show.

Source: upstream pkg/controller/endpoint/endpoints_controller.go, k8s.io/endpointslice utils.go,
pkg/api/v1/pod/util.go (`FindPort`).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.objects import Object, metadata
from wherry.objects.family import Family, serves
from wherry.objects.meaning.pods import (
    addresses,
    addresses_of,
    has_ended,
    is_ready,
    lasting_containers,
    node_of,
    ready_since,
)
from wherry.objects.meaning.services import is_port, protocol, selects
from wherry.objects.meaning.services import ports as service_ports
from wherry.objects.names import dns_label, dns_subdomain
from wherry.objects.timestamps import micro, parse


def is_reachable(pod: Object, *, terminating: bool) -> bool:
    """Return whether a pod may be an endpoint at all; one being terminated only where `terminating` ones are shown."""
    if has_ended(pod) or not addresses(pod):
        return False
    return terminating or not metadata.is_being_deleted(pod)


def ports(service: Object, pod: Object) -> list[Object]:
    """Return the Service's ports as this pod has them; a named target port the pod does not know is left out."""
    found = []
    for port in service_ports(service):
        number = _target(port, pod)
        if number is None:
            continue
        entry: Object = {"name": port.get("name") or "", "port": number, "protocol": protocol(port)}
        if port.get("appProtocol"):
            entry["appProtocol"] = port["appProtocol"]
        found.append(entry)
    return sorted(found, key=lambda p: (p["name"], p["protocol"], p["port"]))


def _target(port: Object, pod: Object) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target if is_port(target) else None
    for container in lasting_containers(pod["spec"]):
        for candidate in container.get("ports") or ():
            if candidate.get("name") == target and protocol(candidate) == protocol(port):
                return int(candidate["containerPort"]) if is_port(candidate["containerPort"]) else None
    return None


def hostname(service: Object, pod: Object) -> str:
    """Return the name a pod has below the Service's own (`<hostname>.<service>.<namespace>.svc`), or ""."""
    spec = pod["spec"]
    named = spec.get("hostname") and spec.get("subdomain") == service["metadata"]["name"]
    return str(spec["hostname"]) if named and not dns_label(spec["hostname"]) else ""


def address(pod: Object, family: Family) -> str:
    """Return the pod's address of a family, "" when it has none that an endpoint can have."""
    return next(filter(serves, addresses_of(pod, family)), "")


def node_name(pod: Object) -> str:
    """Return the pod's node as an endpoint can name it, or ""."""
    name = node_of(pod)
    return name if name and not dns_subdomain(name) else ""


def target_reference(pod: Object) -> Object:
    """Return the reference to the pod behind an address."""
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def relevant(pod: Object) -> object:
    """Return what endpoints depend on: while this stays the same they do, whatever else changes in the pod."""
    spec = pod["spec"]
    return (
        metadata.labels(pod),
        metadata.is_being_deleted(pod),
        has_ended(pod),
        is_ready(pod),
        addresses(pod),
        node_of(pod),
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
