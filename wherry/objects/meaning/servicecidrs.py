"""What a ServiceCIDR and an IPAddress say: ranges, whether they are open, who has an address.

Source: k8s.io/api networking/v1 types.go; KEP-1880.
"""

from __future__ import annotations

from wherry.objects import Object, metadata
from wherry.objects.family import Network, canonical, family_of, parsed_network
from wherry.objects.meaning.wellknown import ADDRESS_FAMILY, ADDRESS_MANAGED_BY, SERVICE_ADDRESSES
from wherry.objects.resource import IP_ADDRESSES, SERVICES

READY = "Ready"


def cidrs(obj: Object) -> list[str]:
    """Return the ranges of a ServiceCIDR, one per family."""
    return (obj.get("spec") or {}).get("cidrs") or []


def networks(obj: Object) -> list[Network]:
    """Return the ranges of a ServiceCIDR; what is none is left out."""
    return [found for text in cidrs(obj) if (found := parsed_network(text)) is not None and str(found) == text]


def is_open(obj: Object) -> bool:
    """Return whether Services may get addresses of a ServiceCIDR: it stays, and nobody says that it is not ready."""
    state = metadata.condition(obj, READY)
    return not metadata.is_being_deleted(obj) and (state is None or state.get("status") == "True")


def address_of(service: metadata.Key, address: str) -> Object:
    """Return the IPAddress that says a Service has an address."""
    labels = {ADDRESS_FAMILY: str(family_of(address)), ADDRESS_MANAGED_BY: SERVICE_ADDRESSES}
    return {
        "apiVersion": IP_ADDRESSES.api_version,
        "kind": IP_ADDRESSES.kind,
        "metadata": {"name": canonical(address), "labels": labels},
        "spec": {"parentRef": reference(service)},
    }


def reference(service: metadata.Key) -> Object:
    """Return the `parentRef` that means a Service."""
    return {"resource": SERVICES.plural, "namespace": service[0], "name": service[1]}


def is_a_services(address: Object) -> bool:
    """Return whether an IPAddress was made for a Service by an API server."""
    return metadata.labels(address).get(ADDRESS_MANAGED_BY) == SERVICE_ADDRESSES


def parent(address: Object) -> Object:
    """Return the reference to whoever has an IPAddress."""
    found: Object = (address.get("spec") or {}).get("parentRef") or {}
    return found


def holder(address: Object) -> metadata.Key | None:
    """Return the key of the Service that has an IPAddress, None when it is no Service's."""
    found = parent(address)
    if found.get("group") or found.get("resource") != SERVICES.plural:
        return None
    return found.get("namespace", ""), found.get("name", "")
