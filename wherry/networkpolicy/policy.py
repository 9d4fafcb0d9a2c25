"""What a NetworkPolicy says: whom it is for, and what it lets in and out (pure).

Source: k8s.io/api networking/v1 types.go (NetworkPolicySpec, NetworkPolicyPeer, NetworkPolicyPort).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from ipaddress import collapse_addresses

from wherry.objects import Object, metadata
from wherry.objects.errors import BadRequest
from wherry.objects.family import Family, Network, network_family, parsed_network
from wherry.objects.meaning.services import PROTOCOLS, is_port, protocol
from wherry.objects.selectors import NOTHING, LabelSelector, from_object


class Direction(StrEnum):
    """Which way connections go that a rule is about, seen from the pod that is selected."""

    INGRESS = "ingress"
    EGRESS = "egress"


@dataclass(frozen=True, slots=True)
class Peers:
    """Pods: in one namespace, or in the `namespaces` whose labels match; of those, the `pods` whose labels match."""

    namespace: str | None
    namespaces: LabelSelector | None
    pods: LabelSelector
    set: str = field(init=False, compare=False)
    """The name of the set of their addresses."""

    def __post_init__(self) -> None:
        digest = sha256(str(self).encode()).hexdigest()[:12]
        object.__setattr__(self, "set", f"peers-{digest}")

    def __str__(self) -> str:
        where = f"in {self.namespace}" if self.namespaces is None else f"in namespaces {_text(self.namespaces)}"
        return f"pods {_text(self.pods)} {where}"


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A port that each pod gives a number to."""

    protocol: str
    name: str

    def __str__(self) -> str:
        return f"{self.protocol} {self.name}"

    @property
    def set(self) -> str:
        """The name of the set of addresses and numbers."""
        return f"port-{self.protocol.lower()}-{self.name}"


@dataclass(frozen=True, slots=True)
class Allow:
    """One way in or out.

    Whom: `peers`, or `networks`, or everybody. To what: of a `protocol`, the `ports` (ranges, first to last; none: all)
    or the `named` one; without a protocol, everything.
    """

    peers: Peers | None = None
    networks: tuple[Network, ...] | None = None
    protocol: str = ""
    ports: tuple[tuple[int, int], ...] = ()
    named: NamedPort | None = None

    def networks_of(self, family: Family) -> list[str]:
        """Return those of the networks that are of one family."""
        return [str(network) for network in self.networks or () if network_family(network) is family]

    @property
    def sets(self) -> tuple[Peers | NamedPort, ...]:
        """What it needs to be known of pods."""
        return tuple(s for s in (self.peers, self.named) if s is not None)


@dataclass(frozen=True, slots=True)
class Policy:
    """One NetworkPolicy. `allowed` has the directions it is about; `left_out` says what of it makes no sense."""

    namespace: str
    name: str
    pods: LabelSelector
    allowed: Mapping[Direction, tuple[Allow, ...]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def read(policy: Object) -> Policy:
    """Return what a policy says. What makes no sense lets nothing through, and is told in `left_out`."""
    namespace, name = metadata.key(policy)
    spec = policy.get("spec") or {}
    wrong: list[str] = []
    pods = _selector(spec.get("podSelector") or {}, "spec.podSelector", wrong)
    # Ingress always, egress if there are rules: what a server's default is.
    types = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    allowed = {}
    for direction, kind, whom in ((Direction.INGRESS, "Ingress", "from"), (Direction.EGRESS, "Egress", "to")):
        rules = spec.get(direction) or ()
        if kind in types:
            paths = ((f"spec.{direction}[{i}]", rule) for i, rule in enumerate(rules))
            allowed[direction] = tuple(a for path, rule in paths for a in _rule(path, rule, whom, namespace, wrong))
        elif rules:
            wrong.append(f"spec.{direction}: has rules, which are not heeded as policyTypes lacks {kind}")
    return Policy(namespace, name, pods, allowed, tuple(wrong))


def _rule(path: str, rule: Object, whom: str, namespace: str, wrong: list[str]) -> Iterator[Allow]:
    ports = list(_ports(path, rule.get("ports") or (), wrong)) if rule.get("ports") else [Allow()]
    peers = list(_peers(f"{path}.{whom}", rule[whom], namespace, wrong)) if rule.get(whom) else [Allow()]
    for peer in peers:
        for port in ports:
            yield Allow(peer.peers, peer.networks, port.protocol, port.ports, port.named)


def _peers(path: str, peers: Iterable[Object], namespace: str, wrong: list[str]) -> Iterator[Allow]:
    networks: list[Network] = []
    for i, peer in enumerate(peers):
        here = f"{path}[{i}]"
        if block := peer.get("ipBlock"):
            networks += _networks(f"{here}.ipBlock", block, wrong)
            continue
        # An empty selector chooses all, one that is not there nothing: both not there would be nobody.
        among = peer.get("namespaceSelector")
        chosen = peer.get("podSelector")
        if among is None and chosen is None:
            wrong.append(f"{here}: names nobody")
            continue
        pods = _selector(chosen or {}, f"{here}.podSelector", wrong)
        if among is None:
            yield Allow(Peers(namespace, None, pods))
        else:
            yield Allow(Peers(None, _selector(among, f"{here}.namespaceSelector", wrong), pods))
    if networks:
        yield Allow(networks=_collapsed(networks))


def _networks(path: str, block: Object, wrong: list[str]) -> list[Network]:
    """Return what is in a block's network and in none of those excepted."""
    whole = parsed_network(block.get("cidr") or "")
    excepted = {text: parsed_network(text) for text in block.get("except") or ()}
    bad = [text for text, network in excepted.items() if network is None]
    if whole is None or bad:
        wrong.append(f"{path}: {bad[0] if bad else block.get('cidr')!r} is no network")
        return []
    left = [whole]
    for network in excepted.values():
        left = [part for one in left for part in _without(one, network)]
    if not left:
        wrong.append(f"{path}: excepts all of {whole}")
    return left


def _without(one: Network, gone: Network | None) -> Iterable[Network]:
    if gone is None or one.version != gone.version or not one.overlaps(gone):
        return [one]
    if one.subnet_of(gone):  # type: ignore[arg-type]
        return []
    return one.address_exclude(gone)  # type: ignore[arg-type]


def _collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    found: list[Network] = []
    for version in (4, 6):
        found += collapse_addresses(n for n in networks if n.version == version)  # type: ignore[type-var]
    return tuple(found)


def _ports(path: str, ports: Iterable[Object], wrong: list[str]) -> Iterator[Allow]:
    ranges: dict[str, list[tuple[int, int]]] = {}
    named: dict[NamedPort, None] = {}
    for i, port in enumerate(ports):
        here, number, of = f"{path}.ports[{i}]", port.get("port"), protocol(port)
        last: int | str | None = port.get("endPort") or number
        if of not in PROTOCOLS:
            wrong.append(f"{here}.protocol: {of!r} is not one of {', '.join(PROTOCOLS)}")
        elif number is None:
            ranges.setdefault(of, []).append((0, 65535))
        elif isinstance(number, str):
            named[NamedPort(of, number)] = None
        elif not (isinstance(last, int) and is_port(number) and is_port(last) and number <= last):
            wrong.append(f"{here}: {number} to {last} are no ports")
        else:
            ranges.setdefault(of, []).append((number, last))
    for of, found in ranges.items():
        yield Allow(protocol=of, ports=_merged(found))
    for each in named:
        yield Allow(protocol=each.protocol, named=each)


def _merged(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ranges that neither overlap nor touch; none for all ports."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return () if merged == [(0, 65535)] else tuple(merged)


def _text(selector: LabelSelector) -> str:
    return "none" if selector.nothing else f"({selector})" if selector.requirements else "all"


def _selector(selector: Object, path: str, wrong: list[str]) -> LabelSelector:
    try:
        return from_object(selector)
    except BadRequest as error:
        wrong.append(f"{path}: {error}")
        return NOTHING
