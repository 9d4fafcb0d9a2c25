"""Checks on single values, each returning the field errors it found (none: the value is good).

Paths are the plain strings of `wherry.objects.fields`. Objects have passed the schema before, so values have the type
their field declares. Source of the texts: k8s.io/apimachinery pkg/util/validation, pkg/api/validation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.family import family_of

PROTOCOLS = ("SCTP", "TCP", "UDP")
MAX_ID = 2**31 - 1


def named(path: str, value: str, check: Callable[[str], list[str]]) -> list[FieldError]:
    """Return an error for each message a check of `wherry.objects.names` has for `value`."""
    return [fields.invalid(path, value, message) for message in check(value)]


def required_name(path: str, value: str | None, check: Callable[[str], list[str]]) -> list[FieldError]:
    """Check a name that must be given."""
    return named(path, value, check) if value else [fields.required(path)]


def one_of(path: str, value: str | None, allowed: Sequence[str]) -> list[FieldError]:
    """Check a word that must be given and be one of `allowed` (printed in that order)."""
    if not value:
        return [fields.required(path)]
    return [] if value in allowed else [fields.not_supported(path, value, allowed)]


def nonnegative(path: str, value: int | None) -> list[FieldError]:
    """Check a number that may be absent but not below zero."""
    return (
        [fields.invalid(path, value, "must be greater than or equal to 0")] if value is not None and value < 0 else []
    )


def between(path: str, value: int, low: int, high: int) -> list[FieldError]:
    """Check a number's bounds, both included."""
    return [] if low <= value <= high else [fields.invalid(path, value, f"must be between {low} and {high}, inclusive")]


def port(path: str, value: int | None) -> list[FieldError]:
    """Check a port number; an absent one counts as 0, as it does in Go."""
    return between(path, value or 0, 1, 65535)


def port_or_name(path: str, value: int | str | None) -> list[FieldError]:
    """Check a port given by number or by a container port's name."""
    return named(path, value, names.port_name) if isinstance(value, str) else port(path, value)


def parse_ip(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address, or None where `value` is none."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return None
    return address if address.version == 4 or address.scope_id is None else None  # Go knows no zones here


def ip(path: str, value: str) -> list[FieldError]:
    """Check an IP address of either family."""
    if (address := parse_ip(value)) is not None:
        mapped = address.version == 6 and address.ipv4_mapped is not None
        return [fields.invalid(path, value, "must not be an IPv4-mapped IPv6 address")] if mapped else []
    return [fields.invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]


def ordinary_ip(path: str, value: str) -> list[FieldError]:
    """Check that traffic can be sent to an address: not unspecified, loopback or link-local."""
    address = parse_ip(value)
    if address is None:
        return [fields.invalid(path, value, "must be a valid IP address")]
    errors = []
    if address.is_unspecified:
        errors.append(fields.invalid(path, value, f"may not be unspecified ({value})"))
    if address.is_loopback:
        errors.append(fields.invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
    if address.is_link_local:
        text = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        errors.append(fields.invalid(path, value, text))
    if address in _LOCAL_MULTICAST_4 or address in _LOCAL_MULTICAST_6:
        text = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        errors.append(fields.invalid(path, value, text))
    return errors


_LOCAL_MULTICAST_4 = ipaddress.ip_network("224.0.0.0/24")
_LOCAL_MULTICAST_6 = ipaddress.ip_network("ff02::/16")


def load_balancer(obj: Object) -> list[FieldError]:
    """Check `status.loadBalancer` of a Service or an Ingress.

    Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateLoadBalancerStatus).
    """
    errors: list[FieldError] = []
    for i, entry in enumerate(((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()):
        path, address, mode = f"status.loadBalancer.ingress[{i}]", entry.get("ip"), entry.get("ipMode")
        if address:
            errors += ip(f"{path}.ip", address)
        if mode is not None and not address:
            errors.append(fields.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set"))
        elif mode is not None:
            errors += one_of(f"{path}.ipMode", mode, ("Proxy", "VIP"))
        if host := entry.get("hostname"):
            errors += named(f"{path}.hostname", host, names.dns_subdomain)
            if parse_ip(host) is not None:
                errors.append(fields.invalid(f"{path}.hostname", host, "must be a DNS name, not an IP address"))
    return errors


def one_address_a_family(path: str, addresses: Sequence[str]) -> list[FieldError]:
    """Check addresses of which there may be one in each IP family."""
    errors = [error for i, address in enumerate(addresses) for error in ip(f"{path}[{i}]", address)]
    if not errors and (len(addresses) > 2 or len({family_of(a) for a in addresses}) < len(addresses)):
        errors.append(fields.invalid(path, list(addresses), "may specify no more than one IP for each IP family"))
    return errors


def cidr(path: str, value: str) -> list[FieldError]:
    """Check an IP network with its prefix length."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return [fields.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    if "/" not in value:
        return [fields.invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    return []


def canonical_cidr(path: str, value: str) -> list[FieldError]:
    """Check an IP network in the one spelling it is known by: no bits beyond the prefix, IPv6 as RFC 5952 has it."""
    if errors := cidr(path, value):
        return errors
    interface = ipaddress.ip_interface(value)
    if interface.ip != interface.network.network_address:
        return [fields.invalid(path, value, "must not have bits set beyond the prefix length")]
    if str(interface.network) != value:
        return [fields.invalid(path, value, f'must be in canonical form ("{interface.network}")')]
    return []


def immutable(path: str, new: Any, old: Any) -> list[FieldError]:
    """Check that a value did not change."""
    return [] if new == old else [fields.invalid(path, new, "field is immutable")]


def frozen(new: Object, old: Object, keys: Iterable[str]) -> list[FieldError]:
    """Check the `immutable: true` of a ConfigMap or Secret: neither it nor `keys` may change any more."""
    if not old.get("immutable"):
        return []
    text = "field is immutable when `immutable` is set"
    errors = [] if new.get("immutable") else [fields.forbidden("immutable", text)]
    return errors + [fields.forbidden(key, text) for key in keys if (new.get(key) or {}) != (old.get(key) or {})]
