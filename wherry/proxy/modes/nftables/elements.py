"""One route as elements of the table's sets and maps (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wherry.proxy.modes.nftables.names import AFFINITY, Chain, Picker, Remember, affinity_map, key, slot_key, slot_map
from wherry.proxy.modes.nftables.slots import Slots
from wherry.proxy.plan import Kind, Masquerade, Route
from wherry.proxy.topology import Choice, Verdict

Element = tuple[str, str]
"""(set, key)."""

_MASQUERADE = {Masquerade.ALWAYS: "goto masquerade-all", Masquerade.OWN: "goto masquerade-own"}


class Placed(NamedTuple):
    """A route's endpoints in their slots: for everybody, and for sources outside the cluster."""

    inside: Slots = ()
    outside: Slots = ()


def own_elements(route: Route, placed: Placed) -> dict[Element, str | None]:
    """Return the elements that only this route makes."""
    at = key(route.frontend)
    elements: dict[Element, str | None] = {}
    verdict = choice_verdict(route.inside, route)
    if route.outside is not None:
        elements["inside", at] = verdict
        elements["outside", at] = choice_verdict(route.outside, route, local=True)
        verdict = "goto by-source"
    if route.sources:
        elements |= {("source-ranges", f"{at} . {cidr}"): None for cidr in route.sources}
        elements["admitted", at] = verdict
        verdict = "goto by-source-range"
    elements["services", at] = verdict
    for slots, local in ((placed.inside, False), (placed.outside, True)):
        name = slot_map(route.frontend, local=local)
        elements |= {(name, slot_key(route.frontend, i)): f"{e.address} . {e.port}" for i, e in enumerate(slots)}
    if route.masquerade in _MASQUERADE:
        elements["masquerading", at] = _MASQUERADE[route.masquerade]
    if route.affinity_seconds:
        elements["remembered", at] = f"jump {_remember(route).name}"
    return elements


def shared_elements(route: Route) -> set[Element]:
    """Return the elements other routes may make as well: each stays as long as one route needs it."""
    endpoints = (*route.inside.endpoints, *(route.outside.endpoints if route.outside else ()))
    shared = {("hairpin", f"{e.address} . {e.address}") for e in endpoints if e.local}
    if route.kind is Kind.ClusterIP:
        shared.add(("cluster-ips", route.frontend.address))
    return shared


def affinity_maps(route: Route) -> set[str]:
    """Return the maps that only frontends with affinity need, beside the one all share."""
    return {affinity_map(route.frontend)} - {AFFINITY} if route.affinity_seconds else set()


def chains(route: Route) -> set[Chain]:
    """Return the numbered chains the route needs beside those in stock, shared with all routes of the same number."""
    return {chain for chain in _chains(route) if not (isinstance(chain, Picker) and chain.in_stock)}


def choice_verdict(choice: Choice, route: Route, *, local: bool = False) -> str:
    """Return where a packet goes for a choice; `local`: it is the one for outside."""
    if choice.endpoints:
        return f"goto {_picker(choice, route, local).name}"
    return "goto refuse" if choice.otherwise is Verdict.REJECT else "goto no-local"


def _chains(route: Route) -> Iterator[Chain]:
    if route.inside.endpoints:
        yield _picker(route.inside, route, False)
    if route.outside is not None and route.outside.endpoints:
        yield _picker(route.outside, route, True)
    if route.affinity_seconds:
        yield _remember(route)


def _picker(choice: Choice, route: Route, local: bool) -> Picker:
    affinity = affinity_map(route.frontend) if route.affinity_seconds else ""
    return Picker(slot_map(route.frontend, local=local), len(choice.endpoints), affinity)


def _remember(route: Route) -> Remember:
    return Remember(affinity_map(route.frontend), route.affinity_seconds)
