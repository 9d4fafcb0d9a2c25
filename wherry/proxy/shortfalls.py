"""What Services ask for that a mode cannot do, or does less well than another, by Service (pure).

The same is said of each mode in its README.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wherry.objects import Object
from wherry.proxy.service import ServicePort, service_ports

REMEMBERED_CLIENTS = 100
"""How many clients `xt_recent` keeps for each endpoint (its parameter ip_list_tot)."""


def shortfalls(services: Iterable[Object], mode: str) -> list[str]:
    """Return a sentence for each Service and thing that `mode` does not do for it."""
    found = (line for service in services for port in service_ports(service) for line in _of_port(port, mode))
    return sorted(set(found))


def _of_port(port: ServicePort, mode: str) -> Iterator[str]:
    name = f"{port.name.namespace}/{port.name.name}"
    if port.affinity_seconds:
        if mode == "iptables":
            yield f"{name}: sessionAffinity: each endpoint remembers its last {REMEMBERED_CLIENTS} clients, not all"
        elif mode != "userspace" and _has_several_addresses(port):
            yield f"{name}: sessionAffinity: a client that uses several of its addresses may have an endpoint at each"
    if mode == "userspace" and port.external_local and _has_several_addresses(port):
        yield f"{name}: externalTrafficPolicy: Local chooses endpoints, but they see the node and not who asks"
    if mode == "ipvs" and _is_told_apart(port):
        yield f"{name}: iptables serves what depends on who asks (Local policy, source ranges): not IPVS' scheduler"


def _has_several_addresses(port: ServicePort) -> bool:
    return bool(port.node_port or port.external_ips or port.load_balancer_ips)


def _is_told_apart(port: ServicePort) -> bool:
    return (port.external_local and _has_several_addresses(port)) or bool(port.source_ranges)
