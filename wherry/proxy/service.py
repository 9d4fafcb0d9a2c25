"""What a Service asks of the proxy: its ports, addresses and policies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from typing import Any, NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.family import Family, canonical, family_of
from wherry.objects.meaning.services import balancers, cluster_ips, is_local_outside, ports, protocol
from wherry.objects.meaning.wellknown import HEADLESS, SERVICE_PROXY_NAME

DEFAULT_AFFINITY_SECONDS = 10800  # core/v1 DefaultClientIPServiceAffinitySeconds

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
    return bool(cluster_ips(service)) and SERVICE_PROXY_NAME not in labels and HEADLESS not in labels


def service_ports(service: Object) -> list[ServicePort]:
    """Return each port of a Service in each of its families; nothing for a Service that is not ours."""
    if not is_ours(service):
        return []
    return [_port(service, port, address) for address in cluster_ips(service) for port in ports(service)]


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
        canonical(cluster_ip),
        node_port=port.get("nodePort") or 0,
        external_ips=tuple(canonical(ip) for ip in spec.get("externalIPs") or () if family_of(ip) is family),
        load_balancer_ips=balancers,
        source_ranges=tuple(collapse(spec.get("loadBalancerSourceRanges") or (), family)) if balancers else (),
        affinity_seconds=_affinity(spec),
        internal_local=spec.get("internalTrafficPolicy") == "Local",
        external_local=external_local,
        health_check_port=spec.get("healthCheckNodePort") or 0
        if external_local and spec.get("type") == "LoadBalancer"
        else 0,
    )


def _load_balancer_ips(service: Object, family: Family) -> tuple[str, ...]:
    """Return the load balancer's addresses that packets keep as destination (KEP-1860: not so with ipMode Proxy)."""
    held = (i["ip"] for i in balancers(service) if i.get("ip") and i.get("ipMode") != "Proxy")
    return tuple(canonical(ip) for ip in held if family_of(ip) is family)


def _affinity(spec: dict[str, Any]) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS


def collapse(ranges: Iterable[str], family: Family) -> list[str]:
    """Return the CIDRs of one family, none inside another: an nft interval set refuses overlaps."""
    networks = [ip_network(r.strip(), strict=False) for r in ranges]
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
        return tuple(collapse([*ranges, address], family_of(address)))
    return ranges
