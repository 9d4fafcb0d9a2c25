"""A Service's addresses: cluster IPs and IP families, filled in, allocated, kept.

The cluster has one family, that of the server's own service range. Source of rules and texts: k8s.io/kubernetes
pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/strategy.go.
"""

from __future__ import annotations

import secrets
from ipaddress import ip_address

from wherry.apiserver.kind import Context
from wherry.apiserver.kinds.core.services import allocation, ranges, servicecheck, servicespec
from wherry.apiserver.kinds.networking.ipaddress import IP_ADDRESS
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError, Invalid
from wherry.objects.family import Family, canonical, family_of, network_family


def link(new: Object, old: Object | None) -> None:
    """Make `clusterIP` and `clusterIPs` agree where only one of them was changed."""
    address, addresses = new.get("clusterIP") or "", servicespec.cluster_ips(new)
    if old is None:
        if address and not addresses:
            new["clusterIPs"] = [address]
        return
    unchanged = addresses == servicespec.cluster_ips(old)
    if address != (old.get("clusterIP") or "") and unchanged:
        if address:
            new["clusterIPs"] = [address]
        else:
            new.pop("clusterIPs", None)


def keep(new: Object, old: Object) -> None:
    """Take over the addresses an update left out, as clients that never saw them do."""
    if not (servicespec.needs_cluster_ip(old) and servicespec.needs_cluster_ip(new)):
        return
    if not new.get("clusterIP") and old.get("clusterIP"):
        new["clusterIP"] = old["clusterIP"]
    if not new.get("clusterIPs") and new.get("clusterIP") == old.get("clusterIP") and old.get("clusterIPs"):
        new["clusterIPs"] = list(old["clusterIPs"])


def drop(new: Object, old: Object) -> None:
    """Release the addresses when the new type has none and the update did not touch them."""
    if not servicespec.needs_cluster_ip(old) or servicespec.needs_cluster_ip(new):
        return
    if servicespec.cluster_ips(new) == servicespec.cluster_ips(old):
        new.pop("clusterIP", None)
        new.pop("clusterIPs", None)
    for key in ("ipFamilies", "ipFamilyPolicy"):
        if new.get(key) == old.get(key):
            new.pop(key, None)


def allocate(service: Object, old: Object | None, context: Context) -> None:
    """Fill in families and addresses; raises `Invalid` for an address that cannot be had."""
    spec = servicespec.of(service)
    if spec.get("type") == "ExternalName":
        return
    before = servicespec.of(old) if old else {}
    if spec.get("ipFamilyPolicy") is None:
        spec["ipFamilyPolicy"] = before.get("ipFamilyPolicy") or _policy(spec)
    _refuse(service, servicecheck.addresses(spec))
    _refuse(service, _families(spec, network_family(context.service_cidr)))
    if spec.get("clusterIP") == servicespec.NO_IP:
        return
    if not spec.get("clusterIP"):
        spec["clusterIP"] = allocation.free_address(
            ranges.of(context),
            lambda address: context.claimed(IP_ADDRESS, address),
            secrets.randbelow,
        )
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif not servicespec.cluster_ips(before):
        _claim(service, spec["clusterIP"], context)


def _policy(spec: Object) -> str:
    # A headless Service without a selector may have endpoints of any family.
    return (
        "RequireDualStack" if spec.get("clusterIP") == servicespec.NO_IP and not spec.get("selector") else "SingleStack"
    )


def _families(spec: Object, ours: Family) -> list[FieldError]:
    families = spec.setdefault("ipFamilies", [])
    policy = spec["ipFamilyPolicy"]
    errors = []
    if policy == "SingleStack":
        start = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
        for key, noun in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
            if len(spec.get(key) or ()) == 2:
                errors.append(fields.invalid("spec.ipFamilyPolicy", policy, f"{start} {noun} are specified"))
    for i, address in enumerate(servicespec.cluster_ips(spec)):
        if address != servicespec.NO_IP and i >= len(families):
            if family_of(address) is ours:
                families.append(str(ours))
            else:
                text = f"{ours.other} is not configured on this cluster"
                errors.append(fields.invalid(f"spec.clusterIPs[{i}]", servicespec.cluster_ips(spec), text))
    if errors:
        return errors
    if spec.get("clusterIP") == servicespec.NO_IP and not spec.get("selector"):
        families = families or [str(ours)]
        if len(families) < 2 and policy != "SingleStack":
            families = [*families, str(Family(families[0]).other)]
        spec["ipFamilies"] = families
        return []
    if policy == "RequireDualStack":
        text = "this cluster is not configured for dual-stack services"
        errors.append(fields.invalid("spec.ipFamilyPolicy", policy, text))
    for i, family in enumerate(families):
        if family != ours:
            errors.append(fields.invalid(f"spec.ipFamilies[{i}]", family, "not configured on this cluster"))
    spec["ipFamilies"] = families or [str(ours)]
    return errors


def _claim(service: Object, address: str, context: Context) -> None:
    """Check that an address which was asked for by value can be had."""
    networks = ranges.of(context)
    why = ""
    if not any(allocation.holds(network, ip_address(address)) for network in networks):
        valid = ", ".join(map(str, networks))
        why = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {valid}"
        if not networks:
            why = "no ServiceCIDR is ready and stays, so there is no valid range"
    elif context.claimed(IP_ADDRESS, canonical(address)):
        why = "provided IP is already allocated"
    if why:
        addresses = servicespec.cluster_ips(servicespec.of(service))
        text = f"failed to allocate IP {address}: {why}"
        _refuse(service, [fields.invalid("spec.clusterIPs", addresses, text)])


def _refuse(service: Object, errors: list[FieldError]) -> None:
    if errors:
        raise Invalid.of("Service", service["metadata"].get("name", ""), errors)
