"""What a Node says: whether it is well, where it is, which addresses its pods have.

Source: k8s.io/api core/v1 types.go (NodeSpec, NodeStatus).
"""

from __future__ import annotations

from wherry.objects import Object, metadata
from wherry.objects.family import parsed_network, usable
from wherry.objects.meaning.wellknown import ZONE


def is_ready(node: Object) -> bool:
    """Return whether the node's Ready condition is True."""
    return metadata.is_true(node, "Ready")


def is_cordoned(node: Object) -> bool:
    """Return whether no new pods are to come (`kubectl cordon`)."""
    return bool((node.get("spec") or {}).get("unschedulable"))


def zone(node: Object) -> str:
    """Return the failure zone the node lies in, or ""."""
    return metadata.labels(node).get(ZONE, "")


def addresses(node: Object, type: str = "InternalIP") -> list[str]:
    """Return the node's addresses of one type (InternalIP, ExternalIP, Hostname), in the order it names them.

    What is called an IP and is none is left out.
    """
    listed = (node.get("status") or {}).get("addresses") or ()
    given = [a["address"] for a in listed if a.get("type") == type and a.get("address")]
    return usable(given) if type.endswith("IP") else given


def pod_ranges(node: Object) -> list[str]:
    """Return the ranges (CIDR) the node's pods have their addresses from, the primary family's first."""
    spec = node.get("spec") or {}
    given = spec.get("podCIDRs") or [r for r in (spec.get("podCIDR"),) if r]
    return [str(found) for cidr in given if (found := parsed_network(cidr)) is not None]
