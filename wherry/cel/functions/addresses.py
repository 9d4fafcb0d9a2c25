"""IP addresses and CIDRs: `ip`, `cidr`, and what can be asked of them."""

from __future__ import annotations

import ipaddress
from typing import Any

from wherry.cel import opaque
from wherry.cel.functions.function import Function

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def _parse(text: str) -> _Address:
    if "%" in text:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string: zone value is not allowed')
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f'IP Address "{text}" parse error during conversion from string: {error}') from error
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        raise ValueError(
            f'IP Address "{text}" parse error during conversion from string: IPv4-mapped IPv6 address is not allowed'
        )
    return found


def _ip(value: Any) -> Any:
    if opaque.is_a(value, opaque.CIDR):
        return opaque.wrap(opaque.IP, str(_network(value).ip))
    return opaque.wrap(opaque.IP, str(_parse(value)))


def _is_ip(text: str) -> bool:
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def _address(value: Any) -> _Address:
    if isinstance(value, str):
        return _parse(value)
    return ipaddress.ip_address(opaque.text(value, opaque.IP))


def _global_unicast(value: Any) -> bool:
    a = _address(value)
    broadcast = a == ipaddress.IPv4Address("255.255.255.255")
    return not (a.is_unspecified or a.is_loopback or a.is_multicast or a.is_link_local or broadcast)


def _local_multicast(value: Any) -> bool:
    a = _address(value)
    if a.version == 4:
        return a in ipaddress.ip_network("224.0.0.0/24")
    return a.packed[0] == 0xFF and a.packed[1] & 0x0F == 2


def _interface(text: str) -> _Interface:
    address, slash, length = text.partition("/")
    if not slash or not length.isdigit():
        raise ValueError(f'network address parse error during conversion from string: "{text}": no "/"')
    _parse(address)
    try:
        return ipaddress.ip_interface(text)
    except ValueError as error:
        raise ValueError(f"network address parse error during conversion from string: {error}") from error


def _cidr(text: str) -> Any:
    return opaque.wrap(opaque.CIDR, str(_interface(text)))


def _is_cidr(text: str) -> bool:
    try:
        _interface(text)
    except ValueError:
        return False
    return True


def _network(value: Any) -> _Interface:
    return _interface(value if isinstance(value, str) else opaque.text(value, opaque.CIDR))


def _contains_ip(value: Any, address: Any) -> bool:
    return _address(address) in _network(value).network


def _contains_cidr(value: Any, other: Any) -> bool:
    outer, inner = _network(value).network, _network(other)
    return outer.version == inner.version and inner.ip in outer and outer.prefixlen <= inner.network.prefixlen


FUNCTIONS = (
    Function("ip", ["string"], "IP", _ip, is_member=False),
    Function("isIP", ["string"], "bool", _is_ip, is_member=False),
    Function("ip.isCanonical", ["string"], "bool", lambda text: str(_parse(text)) == text, is_member=False),
    Function("family", ["IP"], "int", lambda value: _address(value).version),
    Function("isUnspecified", ["IP"], "bool", lambda value: _address(value).is_unspecified),
    Function("isLoopback", ["IP"], "bool", lambda value: _address(value).is_loopback),
    Function("isLinkLocalMulticast", ["IP"], "bool", _local_multicast),
    Function("isLinkLocalUnicast", ["IP"], "bool", lambda value: _address(value).is_link_local),
    Function("isGlobalUnicast", ["IP"], "bool", _global_unicast),
    Function("cidr", ["string"], "CIDR", _cidr, is_member=False),
    Function("isCIDR", ["string"], "bool", _is_cidr, is_member=False),
    Function("ip", ["CIDR"], "IP", _ip),
    Function("prefixLength", ["CIDR"], "int", lambda value: _network(value).network.prefixlen),
    Function("masked", ["CIDR"], "CIDR", lambda value: opaque.wrap(opaque.CIDR, str(_network(value).network))),
    Function("containsIP", ["CIDR", "string"], "bool", _contains_ip),
    Function("containsIP", ["CIDR", "IP"], "bool", _contains_ip),
    Function("containsCIDR", ["CIDR", "string"], "bool", _contains_cidr),
    Function("containsCIDR", ["CIDR", "CIDR"], "bool", _contains_cidr),
)
