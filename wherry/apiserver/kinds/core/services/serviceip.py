"""A Service's addresses: cluster IPs and IP families, filled in, allocated, kept.

The cluster's families are those of the server's own service ranges. Source of rules and texts: k8s.io/kubernetes
pkg/registry/core/service/storage/alloc.go, pkg/registry/core/service/strategy.go.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
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


def downgrade(new: Object, old: Object) -> None:
    """Let go of the second address and family where an update makes a Service of one family of one of two.

    Source: pkg/registry/core/service/strategy.go (trimFieldsForDualStackDowngrade).
    """
    if not _has_two(old) or new.get("ipFamilyPolicy") != "SingleStack":
        return
    for key in ("clusterIPs", "ipFamilies"):
        given, before = new.get(key) or [], old.get(key) or []
        if len(before) == 2 and given == before:
            new[key] = given[:1]


def _has_two(spec: Object) -> bool:
    return spec.get("ipFamilyPolicy") in ("PreferDualStack", "RequireDualStack")


def allocate(service: Object, old: Object | None, context: Context) -> None:
    """Fill in families and addresses; raises `Invalid` for an address that cannot be had."""
    spec = servicespec.of(service)
    if spec.get("type") == "ExternalName":
        return
    before = servicespec.of(old) if old else {}
    if spec.get("ipFamilyPolicy") is None:
        spec["ipFamilyPolicy"] = before.get("ipFamilyPolicy") or _policy(spec)
    _refuse(service, servicecheck.addresses(spec))
    _refuse(service, _families(spec, [network_family(one) for one in context.service_cidrs]))
    if spec.get("clusterIP") == servicespec.NO_IP:
        return
    given, held = servicespec.cluster_ips(spec), servicespec.cluster_ips(before)
    for address in given:
        if address not in held:
            _claim(service, address, context)
    free = [_free(Family(family), context) for family in spec["ipFamilies"][len(given) :]]
    spec["clusterIPs"] = [*given, *free]
    spec["clusterIP"] = spec["clusterIPs"][0]


def _free(family: Family, context: Context) -> str:
    ours = ranges.of(context, family)
    return allocation.free_address(ours, lambda address: context.claimed(IP_ADDRESS, address), secrets.randbelow)


def _policy(spec: Object) -> str:
    # A headless Service without a selector may have endpoints of any family.
    return (
        "RequireDualStack" if spec.get("clusterIP") == servicespec.NO_IP and not spec.get("selector") else "SingleStack"
    )


def _families(spec: Object, ours: Sequence[Family]) -> list[FieldError]:
    """Fill in the families, `ours` being those of the cluster; return what is wrong with those asked for."""
    families = spec.setdefault("ipFamilies", [])
    policy = spec["ipFamilyPolicy"]
    errors = list(_too_many(spec)) if policy == "SingleStack" else []
    for i, address in enumerate(servicespec.cluster_ips(spec)):
        if address != servicespec.NO_IP and i >= len(families):
            family = family_of(address)
            if family in ours:
                families.append(str(family))
            else:
                text = f"{family} is not configured on this cluster"
                errors.append(fields.invalid(f"spec.clusterIPs[{i}]", servicespec.cluster_ips(spec), text))
    if errors:
        return errors
    if spec.get("clusterIP") == servicespec.NO_IP and not spec.get("selector"):
        families = families or [str(ours[0])]
        if len(families) < 2 and policy != "SingleStack":
            families = [*families, str(Family(families[0]).other)]
        spec["ipFamilies"] = families
        return []
    if policy == "RequireDualStack" and len(ours) < 2:
        text = "this cluster is not configured for dual-stack services"
        errors.append(fields.invalid("spec.ipFamilyPolicy", policy, text))
    for i, family in enumerate(families):
        if family not in ours:
            errors.append(fields.invalid(f"spec.ipFamilies[{i}]", family, "not configured on this cluster"))
    families = families or [str(ours[0])]
    if not errors and policy != "SingleStack" and len(families) < 2 <= len(ours):
        families = [*families, str(Family(families[0]).other)]
    spec["ipFamilies"] = families
    return errors


def _too_many(spec: Object) -> Iterator[FieldError]:
    start = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
    for key, noun in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")):
        if len(spec.get(key) or ()) == 2:
            yield fields.invalid("spec.ipFamilyPolicy", spec["ipFamilyPolicy"], f"{start} {noun} are specified")


def _claim(service: Object, address: str, context: Context) -> None:
    """Check that an address which was asked for by value can be had."""
    networks = ranges.of(context, family_of(address))
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
