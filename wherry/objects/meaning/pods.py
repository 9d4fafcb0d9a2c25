"""What a pod says: how far it is, where it is, what of it stays. Source: k8s.io/api core/v1 types.go (Pod)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.family import Family, family_of, usable
from wherry.objects.meaning.services import protocol
from wherry.objects.meaning.wellknown import CONFIG_HASH, MIRROR_POD
from wherry.objects.timestamps import parse

ENDED = ("Succeeded", "Failed")
"""The phases that are never left."""


CRITICAL_PRIORITY = 2_000_000_000
"""Of pods that the cluster itself stands on, and more (kubernetes pkg/apis/scheduling, SystemCriticalPriority)."""


EVERY_ADDRESS = "0.0.0.0"


class HeldPort(NamedTuple):
    """A port that a pod takes on its node: on one of the node's addresses, or on `EVERY_ADDRESS`."""

    address: str
    protocol: str
    port: int


def phase(pod: Object) -> str:
    """Return the pod's phase, or ""."""
    return (pod.get("status") or {}).get("phase") or ""


def has_ended(pod: Object) -> bool:
    """Return whether the pod has run to its end."""
    return phase(pod) in ENDED


def is_active(pod: Object) -> bool:
    """Return whether the pod counts as a replica: neither ended nor being deleted."""
    return not has_ended(pod) and not metadata.is_being_deleted(pod)


def is_mirror(pod: Object) -> bool:
    """Return whether the pod is one that a node shows, and runs whatever becomes of it in the API."""
    return MIRROR_POD in metadata.annotations(pod)


def is_static(pod: Object) -> bool:
    """Return whether the pod is one that a node has from a file, as the node knows it."""
    return CONFIG_HASH in metadata.annotations(pod) and not is_mirror(pod)


def is_critical(pod: Object) -> bool:
    """Return whether the cluster itself stands on the pod."""
    return (pod["spec"].get("priority") or 0) >= CRITICAL_PRIORITY


def is_ready(pod: Object) -> bool:
    """Return whether the pod's Ready condition is True."""
    return metadata.is_true(pod, "Ready")


def ready_since(pod: Object) -> float | None:
    """Return since when the pod is ready (epoch seconds); None when it is not, or its condition carries no time."""
    ready = metadata.condition(pod, "Ready") or {}
    at = ready.get("lastTransitionTime")
    return parse(at) if at and ready.get("status") == "True" else None


def node_of(pod: Object) -> str:
    """Return the node the pod is bound to, or ""."""
    return pod["spec"].get("nodeName") or ""


def addresses(pod: Object) -> list[str]:
    """Return the pod's own addresses, the primary one first; one with `hostNetwork` has its node's."""
    status = pod.get("status") or {}
    found = usable(entry.get("ip") for entry in status.get("podIPs") or ())
    return found or usable([status.get("podIP")])


def addresses_of(pod: Object, family: Family) -> list[str]:
    """Return the pod's addresses of one family."""
    return [ip for ip in addresses(pod) if family_of(ip) is family]


def host_address(pod: Object) -> str:
    """Return the address of the pod's node, or ""."""
    return next(iter(usable([(pod.get("status") or {}).get("hostIP")])), "")


def is_sidecar(container: Object) -> bool:
    """Return whether an init container keeps running beside the others (KEP-753)."""
    return bool(container.get("restartPolicy") == "Always")


def lasting_containers(pod_spec: Object) -> list[Object]:
    """Return the containers that run as long as the pod: the regular ones and the sidecars."""
    sidecars = [c for c in pod_spec.get("initContainers") or () if is_sidecar(c)]
    return [*(pod_spec.get("containers") or ()), *sidecars]


def host_ports(pod_spec: Object) -> frozenset[HeldPort]:
    """Return the ports the pod takes on its node."""
    return frozenset(
        HeldPort(p.get("hostIP") or EVERY_ADDRESS, protocol(p), p["hostPort"])
        for c in lasting_containers(pod_spec)
        for p in c.get("ports") or ()
        if p.get("hostPort")
    )


def is_taken(wanted: HeldPort, held: Collection[HeldPort]) -> bool:
    """Return whether a port cannot be had beside those that are held.

    Source: kubernetes pkg/scheduler/framework/types.go (HostPortInfo.CheckConflict): every address clashes with each.
    """
    if wanted.address == EVERY_ADDRESS:
        return any((p, n) == (wanted.protocol, wanted.port) for _, p, n in held)
    return wanted in held or wanted._replace(address=EVERY_ADDRESS) in held
