"""A Service's node ports: claimed, allocated, kept, released.

Source of rules and texts: k8s.io/kubernetes pkg/registry/core/service/storage/alloc.go,
pkg/registry/core/service/portallocator/allocator.go.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from wherry.apiserver.kind import Context
from wherry.apiserver.kinds.core.services import allocation, servicespec
from wherry.apiserver.kinds.core.services.claims import NODE_PORT
from wherry.objects import Object, fields
from wherry.objects.errors import InternalError, Invalid

Taken = Callable[[int], bool]
"""Whether a node port is in use, by another Service or another port of this one."""


def keep(new: Object, old: Object) -> None:
    """Take over the node ports an update left out, by the name of the port."""
    if not (servicespec.needs_node_port(old) and servicespec.needs_node_port(new)):
        return
    known = {port.get("name", ""): port.get("nodePort") for port in old.get("ports") or ()}
    still_used = {p.get("nodePort") for p in new.get("ports") or ()} & set(known.values())
    for port in new.get("ports") or ():
        before = known.get(port.get("name", ""))
        if not port.get("nodePort") and before and before not in still_used:
            port["nodePort"] = before
    if not new.get("healthCheckNodePort") and servicespec.needs_health_check(old):
        _keep_health_check(new, old)


def _keep_health_check(new: Object, old: Object) -> None:
    if servicespec.needs_health_check(new) and old.get("healthCheckNodePort"):
        new["healthCheckNodePort"] = old["healthCheckNodePort"]


def drop(new: Object, old: Object) -> None:
    """Release what the new type or policy has no use for, where the update did not touch it."""
    if servicespec.needs_node_port(old) and not servicespec.needs_node_port(new) and _ports(new) == _ports(old):
        for port in new.get("ports") or ():
            port.pop("nodePort", None)
    if servicespec.needs_health_check(old) and not servicespec.needs_health_check(new):
        _pop_unchanged(new, old, "healthCheckNodePort")
    if servicespec.is_reachable_from_outside(old) and not servicespec.is_reachable_from_outside(new):
        _pop_unchanged(new, old, "externalTrafficPolicy")
    if old.get("type") == "LoadBalancer" and new.get("type") != "LoadBalancer":
        _pop_unchanged(new, old, "allocateLoadBalancerNodePorts")
        _pop_unchanged(new, old, "loadBalancerClass")


def _ports(spec: Object) -> set[int]:
    return {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}


def _pop_unchanged(new: Object, old: Object, key: str) -> None:
    if new.get(key) == old.get(key):
        new.pop(key, None)


def allocate(service: Object, old: Object | None, context: Context) -> None:
    """Fill in node ports; raises `Invalid` for one that cannot be had."""
    spec = servicespec.of(service)
    if not servicespec.needs_node_port(spec):
        return
    mine = set(servicespec.node_ports(servicespec.of(old))) if old else set()
    claimed = set(mine)

    def taken(number: int) -> bool:
        return number in claimed or context.claimed(NODE_PORT, str(number))

    given = _claim_requested(service, spec, context.node_port_range, taken, claimed)
    _fill(spec, given, context.node_port_range, taken, claimed)
    if servicespec.needs_health_check(spec):
        _health_check(spec, context.node_port_range, taken, mine)


def _claim_requested(service: Object, spec: Object, ports: range, taken: Taken, claimed: set[int]) -> dict[int, int]:
    """Add the node ports asked for by value to `claimed`; return them by service port.

    Two ports of one Service may share a number when their protocols differ; that they do is for the checks to see.
    """
    given: dict[int, int] = {}
    for i, port in enumerate(spec.get("ports") or ()):
        if not (number := port.get("nodePort")):
            continue
        if number not in claimed and (why := _refusal(number, ports, taken)):
            error = fields.invalid(f"spec.ports[{i}].nodePort", number, why)
            raise Invalid.of("Service", service["metadata"].get("name", ""), [error])
        claimed.add(number)
        given.setdefault(port.get("port") or 0, number)
    return given


def _refusal(number: int, ports: range, taken: Taken) -> str:
    if number not in ports:
        valid = f"{ports[0]}-{ports[-1]}"
        return f"provided port is not in the valid range. The range of valid ports is {valid}"
    return "provided port is already allocated" if taken(number) else ""


def _fill(spec: Object, given: dict[int, int], ports: range, taken: Taken, claimed: set[int]) -> None:
    """Give the other ports a node port each; the same number to the same port in another protocol."""
    if not servicespec.allocates_node_ports(spec):
        return
    protocols = {(p.get("nodePort"), p.get("protocol")) for p in spec.get("ports") or ()}
    for port in spec.get("ports") or ():
        if port.get("nodePort"):
            continue
        number = given.get(port.get("port") or 0)
        if number is None or (number, port.get("protocol")) in protocols:
            number = allocation.free_port(ports, taken, secrets.randbelow)
            claimed.add(number)
        port["nodePort"] = given[port.get("port") or 0] = number
        protocols.add((number, port.get("protocol")))


def _health_check(spec: Object, ports: range, taken: Taken, mine: set[int]) -> None:
    number = spec.get("healthCheckNodePort")
    if not number:
        spec["healthCheckNodePort"] = allocation.free_port(ports, taken, secrets.randbelow)
    elif number not in mine and (why := _refusal(number, ports, taken)):
        raise InternalError.of(f"failed to allocate requested HealthCheck NodePort {number}: {why}")
