"""The affinities packets stored in the kernel, and which of them must go after a change (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wherry.proxy.modes.nftables.names import AFFINITY, affinity_parts, key
from wherry.proxy.plan import Frontend, Route
from wherry.proxy.stale import bindable

Routes = dict[Frontend, Route | None]
"""The frontends of one affinity map, and what they lead to now."""
Listed = Mapping[str, Iterable[Any]]
"""Maps as nft's JSON lists them."""


def stale_affinities(name: str, listed: Listed, routes: Routes) -> dict[str, dict[str, str]]:
    """Return the elements of `affinity_parts(name)` that bind a client to an endpoint it may not stay with."""
    allowed = {key(f) if name == AFFINITY else "": {e[:2] for e in bindable(r)} for f, r in routes.items()}
    stale: dict[str, dict[str, str]] = {}
    for client, frontend, address, port in (_shared if name == AFFINITY else _own)(name, listed):
        if frontend in allowed and (address, port) not in allowed[frontend]:
            at = f"{client} . {frontend}" if frontend else client
            data = (f"{address} . {port}",) if frontend else (address, str(port))
            for part, value in zip(affinity_parts(name), data, strict=True):
                stale.setdefault(part, {})[at] = value
    return stale


def _shared(name: str, listed: Listed) -> Iterator[tuple[str, str, str, int]]:
    """Yield client, frontend, and the endpoint's address and port."""
    for element, data in listed[name]:
        client, *frontend = _value(element)["concat"]
        yield client, " . ".join(map(str, frontend)), *data["concat"]


def _own(name: str, listed: Listed) -> Iterator[tuple[str, str, str, int]]:
    """Yield the same of one frontend's pair of maps; a client that is in one of them alone is bound to nothing."""
    addresses, ports = ({_value(e): data for e, data in listed[part]} for part in affinity_parts(name))
    for client in addresses.keys() & ports.keys():
        yield client, "", addresses[client], ports[client]


def _value(element: Any) -> Any:
    """Return an element without its timeout."""
    return element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element
