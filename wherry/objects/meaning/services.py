"""What a Service says: where it is reached, what it leads to. Source: k8s.io/api core/v1 types.go (ServiceSpec)."""

from __future__ import annotations

from ipaddress import ip_address

from wherry.objects import Object, metadata
from wherry.objects.family import Family, Network, parsed, parsed_network, usable
from wherry.objects.selectors import from_labels

PROTOCOLS = ("TCP", "UDP", "SCTP")


def is_external_name(service: Object) -> bool:
    """Return whether the Service is but another name for a host (`spec.externalName`)."""
    return bool(service["spec"].get("type") == "ExternalName")


def is_headless(service: Object) -> bool:
    """Return whether the Service asked for no address of its own: its names lead to its endpoints."""
    return bool(service["spec"].get("clusterIP") == "None")


def cluster_ips(service: Object) -> tuple[str, ...]:
    """Return the Service's addresses, the primary family's first; none when headless, external or not allocated yet."""
    spec = service["spec"]
    if is_external_name(service):
        return ()
    return tuple(usable(spec.get("clusterIPs") or [spec.get("clusterIP")]))


def external_ips(service: Object) -> list[str]:
    """Return the addresses outside the cluster that the Service is also reached at."""
    return usable(service["spec"].get("externalIPs") or ())


def families(service: Object) -> list[Family]:
    """Return the families the Service is reached in, the primary one first; not said means IPv4."""
    return [Family(name) for name in service["spec"].get("ipFamilies") or () if name in list(Family)] or [Family.V4]


def publishes_unready(service: Object) -> bool:
    """Return whether every pod counts as ready."""
    return bool(service["spec"].get("publishNotReadyAddresses"))


def has_selector(service: Object) -> bool:
    """Return whether a controller makes the Service's endpoints; without a selector somebody makes them by hand."""
    return bool(service["spec"].get("selector")) and not is_external_name(service)


def is_local_outside(service: Object) -> bool:
    """Return whether traffic from outside goes to endpoints of the node it comes to, and to no others."""
    return bool(service["spec"].get("externalTrafficPolicy") == "Local")


def selects(service: Object, pod: Object) -> bool:
    """Return whether a pod (of the same namespace) is behind the Service."""
    return has_selector(service) and from_labels(service["spec"]["selector"]).matches(metadata.labels(pod))


def ports(service: Object) -> list[Object]:
    """Return the Service's ports; what can be none is left out."""
    return [p for p in service["spec"].get("ports") or () if is_port(p.get("port")) and protocol(p) in PROTOCOLS]


def is_port(number: int | None) -> bool:
    """Return whether a number can be a port's."""
    return number is not None and 0 < number < 65536


def protocol(port: Object) -> str:
    """Return the protocol (TCP, UDP, SCTP) of a port: a Service's, a slice's, a container's."""
    return port.get("protocol") or "TCP"


def source_ranges(service: Object) -> list[Network] | None:
    """Return the networks a load balancer lets in, all when empty; None where a text is no network: nobody can tell."""
    found = [parsed_network(cidr.strip()) for cidr in service["spec"].get("loadBalancerSourceRanges") or ()]
    networks = [n for n in found if n is not None]
    return networks if len(networks) == len(found) else None


def admits(service: Object, address: str) -> bool:
    """Return whether a load balancer of the Service lets an address in.

    Ranges restrict clients of their own family only. Source: kubernetes pkg/proxy/serviceport.go.
    """
    ranges, client = source_ranges(service), ip_address(address)
    mine = [network for network in ranges or () if network.version == client.version]
    return ranges is not None and (not mine or any(client in network for network in mine))


def balancers(obj: Object) -> list[Object]:
    """Return where a Service or an Ingress is reached from outside (`status.loadBalancer.ingress`)."""
    given = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [entry for entry in given if not entry.get("ip") or parsed(entry["ip"]) is not None]
