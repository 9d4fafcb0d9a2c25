"""The small world in both families: every IPv4 address of `build` has an IPv6 twin, its four numbers after fd00::.

10.244.0.5 is fd00::a:f4:0:5, and 10.244.0.0/16 is fd00::a:f4:0:0/96.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any, TypeVar

from wherry.objects.family import Family
from wherry.proxy.plan import Frontend

T = TypeVar("T")

_ADDRESS = re.compile(r"(\d+)\.(\d+)\.(\d+)\.(\d+)(?:/(\d+))?")


def told_in(family: Family, thing: T) -> T:
    """Return text, or an object with text anywhere in it, with its addresses in `family`."""
    return thing if family is Family.V4 else _translate(thing)


def _translate(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {_translate(key): _translate(value) for key, value in thing.items()}
    if isinstance(thing, Frontend):
        return thing._replace(address=_translate(thing.address))
    if isinstance(thing, (list, tuple)):
        return type(thing)(_translate(part) for part in thing)
    if thing == Family.V4:
        return str(Family.V6)
    return _ADDRESS.sub(_twin, thing) if isinstance(thing, str) else thing


def _twin(found: re.Match[str]) -> str:
    address = str(ip_address("fd00::" + ":".join(f"{int(n):x}" for n in found.groups()[:4])))
    return f"{address}/{_length(int(found[5]))}" if found[5] else address


def _length(four: int) -> int:
    """Return the prefix length of the twin: each byte has become sixteen bits, of which the upper eight are zero."""
    whole, rest = divmod(four, 8)
    return 64 + 16 * whole + (8 + rest if rest else 0)
