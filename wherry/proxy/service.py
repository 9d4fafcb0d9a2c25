"""What a Service asks of the proxy: its ports, addresses and policies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Any, NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.family import Family, Network, family_of, parsed_network, reachable
from wherry.objects.meaning.services import (
    balancers,
    cluster_ips,
    external_ips,
    is_local_outside,
    is_port,
    ports,
    protocol,
    source_ranges,
)
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_PROXY_NAME

DEFAULT_AFFINITY_SECONDS = 10800  # core/v1 DefaultClientIPServiceAffinitySeconds
LONGEST_AFFINITY_SECONDS = 86400  # core/v1 MaxClientIPServiceAffinitySeconds

ServiceKey = tuple[str, str]
"""(namespace, name)."""


class ServicePortName(NamedTuple):
    """`namespace/name:port`, the port's name empty when it has none."""

    namespace: str
    name: str
    port: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of a Service in one IP family, with all that applies to it."""

    name: ServicePortName
    family: Family
    protocol: str
    port: int
    cluster_ip: str
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    affinity_seconds: int = 0
    internal_local: bool = False
    external_local: bool = False
    health_check_port: int = 0


def is_ours(service: Object) -> bool:
    """Tell whether the default proxy serves it: not headless, not ExternalName, not given to another proxy by label."""
    labels = metadata.labels(service)
    return bool(reachable(cluster_ips(service))) and SERVICE_PROXY_NAME not in labels and HEADLESS not in labels


def service_ports(service: Object) -> list[ServicePort]:
    """Return each port of a Service in each of its families; nothing for a Service that is not ours."""
    if not is_ours(service):
        return []
    return [_port(service, port, address) for address in reachable(cluster_ips(service)) for port in ports(service)]


def _port(service: Object, port: dict[str, Any], cluster_ip: str) -> ServicePort:
    spec = service["spec"]
    family = family_of(cluster_ip)
    external_local = is_local_outside(service)
    balancers = _load_balancer_ips(service, family)
    return ServicePort(
        ServicePortName(*metadata.key(service), port.get("name") or ""),
        family,
        protocol(port),
        int(port["port"]),
        cluster_ip,
        node_port=_number(port.get("nodePort")),
        external_ips=tuple(ip for ip in reachable(external_ips(service)) if family_of(ip) is family),
        load_balancer_ips=balancers,
        source_ranges=tuple(_collapsed(source_ranges(service) or (), family)) if balancers else (),
        affinity_seconds=_affinity(spec),
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        external_local=external_local,
        health_check_port=_number(spec.get("healthCheckNodePort"))
        if external_local and spec.get("type") == "LoadBalancer"
        else 0,
    )


def _load_balancer_ips(service: Object, family: Family) -> tuple[str, ...]:
    """Return the load balancer's addresses that packets keep as destination (KEP-1860: not so with ipMode Proxy)."""
    if source_ranges(service) is None:
        return ()  # nobody can tell who may come in
    held = reachable(i.get("ip") for i in balancers(service) if i.get("ipMode") != "Proxy")
    return tuple(ip for ip in held if family_of(ip) is family)


def _number(port: int | None) -> int:
    """Return a port's number, 0 for none and for what can be none."""
    return port if port is not None and is_port(port) else 0


def _affinity(spec: dict[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    seconds = config.get("timeoutSeconds") or 0
    return seconds if 0 < seconds <= LONGEST_AFFINITY_SECONDS else DEFAULT_AFFINITY_SECONDS


def collapse(ranges: Iterable[str], family: Family) -> list[str]:
    """Return the CIDRs of one family, none inside another: an nft interval set refuses overlaps."""
    return _collapsed([n for r in ranges if (n := parsed_network(r.strip())) is not None], family)


def _collapsed(networks: Iterable[Network], family: Family) -> list[str]:
    if family is Family.V6:
        return [str(n) for n in collapse_addresses(n for n in networks if isinstance(n, IPv6Network))]
    return [str(n) for n in collapse_addresses(n for n in networks if isinstance(n, IPv4Network))]


def admit_self(ranges: tuple[str, ...], address: str, node_addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the source ranges, with the balancer's own `address` when they let this node in.

    A balancer may put its VIP on the node's own interface, and then the node's packets to it come *from* it. Source:
    kubernetes pkg/proxy/nftables/proxier.go, the rule for VIP-like load balancers.
    """
    if not ranges:
        return ()
    networks = [ip_network(r) for r in ranges]
    if any(ip_address(a) in n for a in node_addresses for n in networks):
        family = family_of(address)
        return tuple(collapse([*ranges, family.alone(address)], family))
    return ranges
