"""One route as rules, in chains of its own and in those that all share (pure).

Rules are written as `iptables-save` prints them, so that they can be compared with what is in the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes.iptables.layout import Layout
from wherry.proxy.modes.iptables.names import (
    EXTERNAL,
    FILTER,
    FIREWALL,
    MARK_MASQUERADE,
    MARK_OFF_CLUSTER,
    NAT,
    NODE_PORTS,
    SERVICES,
    endpoint_chain,
    external_chain,
    firewall_chain,
    service_chain,
)
from wherry.proxy.plan import Kind, Route
from wherry.proxy.topology import Choice, Verdict

Chain = tuple[str, str]
"""(table, name)."""
Rules = tuple[str, ...]
Group = tuple[str, str, Rules]
"""(table, chain, rules): rules that follow one another in a chain in which others may have rules, too."""

_WORDS = {
    Kind.ClusterIP: "cluster IP",
    Kind.NodePort: "node port",
    Kind.LoadBalancer: "loadbalancer IP",
    Kind.ExternalIP: "external IP",
}


def groups(route: Route, layout: Layout) -> Iterator[Group]:
    """Yield a route's share of the tables. Routes of one service port share chains, of which they say the same."""
    yield from _chains(route, layout)
    yield from _leading(route, layout)


def _chains(route: Route, layout: Layout) -> Iterator[Group]:
    for choice in (route.inside, route.outside):
        if choice is not None and choice.endpoints:
            yield NAT, _chain_of(choice, route), tuple(_spread(choice, route, layout))
            for endpoint in choice.endpoints:
                name = endpoint_chain(route.owner, route.frontend.protocol, endpoint)
                yield NAT, name, tuple(_to_endpoint(name, endpoint, route, layout))
    if route.kind is not Kind.ClusterIP and route.inside.endpoints:
        yield NAT, external_chain(route.owner, route.frontend.protocol), tuple(_external(route, layout))


def _spread(choice: Choice, route: Route, layout: Layout) -> Iterator[str]:
    """Yield the rules that take one of the endpoints at random, a client's own first."""
    chains = [(e, endpoint_chain(route.owner, route.frontend.protocol, e)) for e in choice.endpoints]
    if route.affinity_seconds:
        for endpoint, name in chains:
            yield _rule(
                _comment(f"{route.owner} -> {endpoint.target}"),
                f"-m recent --rcheck --seconds {route.affinity_seconds} --reap",
                f"--name {name} --mask {layout.alone} --rsource -j {name}",
            )
    for left, (endpoint, name) in zip(range(len(chains), 0, -1), chains, strict=True):
        share = f"-m statistic --mode random --probability {_probability(left)}" if left > 1 else ""
        yield _rule(_comment(f"{route.owner} -> {endpoint.target}"), share, f"-j {name}")


def _to_endpoint(name: str, endpoint: Endpoint, route: Route, layout: Layout) -> Iterator[str]:
    protocol, comment = route.frontend.protocol.lower(), _comment(route.owner)
    remember = f"-m recent --set --name {name} --mask {layout.alone} --rsource" if route.affinity_seconds else ""
    yield _rule(f"-s {layout.family.alone(endpoint.address)}", comment, f"-j {MARK_MASQUERADE}")
    yield _rule(f"-p {protocol}", comment, remember, f"-m {protocol} -j DNAT --to-destination {endpoint.target}")


def _external(route: Route, layout: Layout) -> Iterator[str]:
    everybody = _chain_of(route.inside, route)
    if route.outside is None:
        yield _rule(_comment(f"masquerade traffic for {route.owner} external destinations"), f"-j {MARK_MASQUERADE}")
        yield _rule(f"-j {everybody}")
        return
    own = "-m addrtype --src-type LOCAL"
    for cidr in layout.cluster_cidrs:
        yield _rule(f"-s {cidr}", _comment(f"pod traffic for {route.owner} external destinations"), f"-j {everybody}")
    yield _rule(
        _comment(f"masquerade LOCAL traffic for {route.owner} external destinations"), own, f"-j {MARK_MASQUERADE}"
    )
    yield _rule(_comment(f"route LOCAL traffic for {route.owner} external destinations"), own, f"-j {everybody}")
    if route.outside.endpoints:
        yield _rule(f"-j {_chain_of(route.outside, route)}")


def _leading(route: Route, layout: Layout) -> Iterator[Group]:
    """Yield what leads to the chains, and what becomes of packets that no chain has sent elsewhere."""
    if route.inside.endpoints:
        yield from _entries(route, layout)
    rest = route.inside if route.outside is None else route.outside
    if route.sources:
        yield FILTER, FIREWALL, tuple(_kept_out(rest, route, layout))
    elif not rest.endpoints:
        chain = SERVICES if route.kind is Kind.ClusterIP else EXTERNAL
        yield FILTER, chain, (_unserved(rest, route, layout),)


def _entries(route: Route, layout: Layout) -> Iterator[Group]:
    owner, protocol = route.owner, route.frontend.protocol
    words = f"{owner} {_WORDS[route.kind]}"
    if route.kind is Kind.ClusterIP:
        masquerade = layout.masquerades_cluster_ips
        marked = [_matching(route, layout, words, f"-j {MARK_OFF_CLUSTER}")] if masquerade else []
        jump = _matching(route, layout, words, f"-j {_chain_of(route.inside, route)}")
        yield NAT, SERVICES, (*marked, jump)
    elif route.kind is Kind.NodePort:
        yield NAT, NODE_PORTS, (_matching(route, layout, words, f"-j {external_chain(owner, protocol)}"),)
    elif not route.sources:
        yield NAT, SERVICES, (_matching(route, layout, words, f"-j {external_chain(owner, protocol)}"),)
    else:
        firewall, external = firewall_chain(owner, protocol), external_chain(owner, protocol)
        yield NAT, SERVICES, (_matching(route, layout, words, f"-j {firewall}"),)
        yield NAT, firewall, tuple(_matching(route, layout, words, f"-j {external}", source=s) for s in route.sources)


def _kept_out(rest: Choice, route: Route, layout: Layout) -> Iterator[str]:
    """Yield what becomes of packets that are not let in, and of those that are and find no endpoint."""
    if not rest.endpoints:
        for source in route.sources:
            yield _unserved(rest, route, layout, source)
    words = f"{route.owner} traffic not accepted by {firewall_chain(route.owner, route.frontend.protocol)}"
    yield _matching(route, layout, words, "-j DROP")


def _unserved(rest: Choice, route: Route, layout: Layout, source: str = "") -> str:
    if rest.otherwise is Verdict.DROP:
        return _matching(route, layout, f"{route.owner} has no local endpoints", "-j DROP", source=source)
    how = "tcp-reset" if route.frontend.protocol == "TCP" else layout.unreachable
    words = f"{route.owner} has no endpoints"
    return _matching(route, layout, words, f"-j REJECT --reject-with {how}", source=source)


def _matching(route: Route, layout: Layout, words: str, then: str, *, source: str = "") -> str:
    """Return a rule for packets to the route's frontend (from `source` alone)."""
    frontend, protocol = route.frontend, route.frontend.protocol.lower()
    return _rule(
        f"-s {source}" if source else "",
        f"-d {layout.family.alone(frontend.address)} -p {protocol}",
        _comment(words),
        f"-m {protocol} --dport {frontend.port}",
        then,
    )


def _chain_of(choice: Choice, route: Route) -> str:
    return service_chain(route.owner, route.frontend.protocol, local=choice.local)


def _probability(left: int) -> str:
    """Return one in `left` as the kernel keeps it: in 31 bits (linux/netfilter/xt_statistic.h)."""
    return f"{round((1 << 31) / left) / (1 << 31):.11f}"


def _comment(words: object) -> str:
    return f'-m comment --comment "{words}"'


def _rule(*parts: str) -> str:
    return " ".join(part for part in parts if part)
