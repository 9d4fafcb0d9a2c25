"""A name, as whoever asks for it has it resolved (pure, but for the asking, which is handed in)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from wherry.dns.explain import Asked
from wherry.explain.course import follow
from wherry.explain.snapshot import Snapshot
from wherry.explain.source import Source
from wherry.explain.step import Step
from wherry.node.downward import resolver
from wherry.node.downward.files import resolv_conf
from wherry.objects.family import family_of, usable
from wherry.proxy.plan import Frontend

DNS_PORT = 53
_TYPES = {4: "A", 6: "AAAA"}

Ask = Callable[[str, str, str, Sequence[str], int], Awaitable[list[Asked]]]
"""Puts a name to the cluster's DNS server: name, type, the client's address, its search list, its `ndots`."""
Local = Callable[[str], Awaitable[list[str]]]
"""Asks this machine's own resolver for the addresses of a name."""


@dataclass(frozen=True, slots=True)
class Names:
    """How names are resolved: `servers` are the addresses of the cluster's DNS Service, `domain` its zone."""

    ask: Ask
    local: Local
    servers: tuple[str, ...]
    domain: str


async def resolve(name: str, source: Source, names: Names, snapshot: Snapshot) -> tuple[list[Step], str]:
    """Return the steps that lead to an address of a name, and the address, "" if there is none (the last step ends)."""
    if source.pod is None:
        return await _by_this_machine(name, source, names)
    text = resolv_conf(source.pod, names.servers, names.domain, "")
    servers, search, options = resolver.parse(text)
    ndots = int(options.get("ndots") or 1)
    if not servers:
        policy = source.pod["spec"].get("dnsPolicy") or "ClusterFirst"
        steps, address = await _by_this_machine(name, source, names)
        why = f"dnsPolicy {policy}{' with hostNetwork' if source.pod['spec'].get('hostNetwork') else ''}"
        return [
            Step("resolver", f"{why}: its node's resolver is asked, which knows no names of the cluster"),
            *steps,
        ], address
    asks = f"its /etc/resolv.conf asks {', '.join(servers)}, search {' '.join(search) or '(none)'}, ndots:{ndots}"
    steps = [Step("resolver", asks)]
    if servers[0] not in names.servers:
        return [
            *steps,
            Step("name", f"what {servers[0]} answers is not known here: it is not the cluster's", ends=True),
        ], ""
    _, reached, because = follow(source, Frontend(servers[0], "UDP", DNS_PORT), snapshot)
    if not reached:
        text = f"{servers[0]}:{DNS_PORT}/UDP is not reached, so no name is resolved"
        return [*steps, Step("resolver", text, (because,), ends=True)], ""
    step, address = await _by_the_cluster(name, source, names, search, ndots)
    return [*steps, step], address


async def _by_the_cluster(
    name: str, source: Source, names: Names, search: Sequence[str], ndots: int
) -> tuple[Step, str]:
    lines: list[str] = []
    for client in source.addresses:
        kind = _TYPES[6 if ":" in client else 4]
        asked = await names.ask(name, kind, client, search, ndots)
        for one in asked:
            lines.append(f"{one.name} {kind}: {', '.join(one.records) or one.code}")
        if addresses := usable(asked[-1].addresses):
            more = f", the first of {len(addresses)}: a client may take another" if len(addresses) > 1 else ""
            return Step("name", f"{name} is {addresses[0]}{more}", tuple(lines)), addresses[0]
    return Step("name", f"{name} has no address", tuple(lines), ends=True), ""


async def _by_this_machine(name: str, source: Source, names: Names) -> tuple[list[Step], str]:
    found = await names.local(name)
    mine = {family_of(address) for address in source.addresses}
    address = next((a for a in found if not mine or family_of(a) in mine), "")
    if address:
        return [Step("name", f"{name} is {address}, says the resolver of this machine")], address
    hint = "names of Services are known to the cluster's DNS alone, which pods ask"
    return [Step("name", f"{name} is not known to the resolver of this machine", (hint,), ends=True)], ""
