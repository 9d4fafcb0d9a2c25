"""A family's table: its fixed part, and changes as transactions (pure). README.md draws the packet's path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from wherry.net.nfnetlink.values import SetType
from wherry.net.nft import Transaction
from wherry.networkpolicy.groups import Group, of_policy
from wherry.networkpolicy.plan import ISOLATED, OWN, VERDICTS, Change, PodSet
from wherry.networkpolicy.policy import Allow, Direction, Peers
from wherry.objects.family import Family

LONGEST_COMMENT = 120  # nft takes 128
_FORWARD = "type filter hook forward priority filter"


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of one family."""

    family: Family

    @property
    def table(self) -> str:
        """The table, as nft names it: its family and its name."""
        return f"{self.family.nft} wherry-networkpolicy"

    @property
    def text(self) -> str:
        """The fixed part, as `nft -f` takes it."""
        address, lines = self.family.nft_address, []
        for direction in Direction:
            lines.append(f"counter {_denied(direction)} {{ }}")
            lines.append(f"map {VERDICTS[direction]} {{ type {address} : verdict; }}")
        lines += [f"set {ISOLATED} {{ type {address}; }}", f"set {OWN} {{ type {address} . {address}; }}"]
        for name, rules in self._chains().items():
            lines += [f"chain {name} {{", *(f"\t{rule}" for rule in rules), "}"]
        return "\n".join([f"table {self.table} {{", *(f"\t{line}" for line in lines), "}"])

    @property
    def shape(self) -> dict[str, int]:
        """The fixed chains, each with the number of its rules."""
        return {n: sum(not rule.startswith("type ") for rule in rules) for n, rules in self._chains().items()}

    def types(self, sets: Iterable[str]) -> dict[str, SetType]:
        """Return what the keys and data of sets are made of."""
        return {name: self._type(name) for name in sets}

    def load(self, whole: Change, *, found: bool) -> Transaction:
        """Return the transaction that replaces whatever there is by the plan `whole` leads to."""
        change = self.change(whole)
        fresh = [f"add table {self.table}", f"delete table {self.table}"] if found else []
        return Transaction(self.table, (*fresh, self.text, *change.prepare), change.chains, {}, change.added)

    def change(self, change: Change) -> Transaction:
        """Return the transaction for one change of the plan."""
        differing = change.elements[self.family]
        gone = {one.set for one in change.dropped}
        kept = {at: allowed for at, allowed in change.policies.items() if allowed is not None}
        chains = {of_policy(*at): list(self._rules(at[0], allowed)) for at, allowed in kept.items()}
        chains |= {group.chain: _of_group(group) for group, there in change.groups.items() if there}
        return Transaction(
            self.table,
            tuple(f"add set {self.table} {one.set} {self._declared(one)}" for one in change.made),
            chains,
            {name: keys for name, keys in differing.deleted.items() if name not in gone},
            differing.added,
            # A group's chain jumps to those of policies.
            [
                *(group.chain for group, there in change.groups.items() if not there),
                *(of_policy(*at) for at in change.policies if at not in kept),
            ],
            dropped_sets=[one.set for one in change.dropped],
        )

    def _chains(self) -> Mapping[str, list[str]]:
        ip = self.family.nft
        client, server = f"ct original {ip} saddr", f"ct reply {ip} saddr"
        return {
            "stray": [f"{ip} saddr @{ISOLATED} drop", f"{ip} daddr @{ISOLATED} drop"],
            "egress": [
                f"{_FORWARD}; policy accept;",
                "ct state related accept",
                "ct state { invalid, untracked } goto stray",
                f"{client} . {server} @{OWN} accept",
                f"{client} vmap @{VERDICTS[Direction.EGRESS]}",
            ],
            "ingress": [
                f"{_FORWARD} + 1; policy accept;",
                "ct state related accept",
                f"{client} . {server} @{OWN} accept",
                f"{server} vmap @{VERDICTS[Direction.INGRESS]}",
            ],
        }

    def _type(self, name: str) -> SetType:
        address = self.family.nft_address
        if name in VERDICTS.values():
            return SetType((address,), ("verdict",))
        if name == OWN:
            return SetType((address, address))
        return SetType((address, "inet_service") if name.startswith("port-") else (address,))

    def _declared(self, one: PodSet) -> str:
        address = self.family.nft_address
        of = address if isinstance(one, Peers) else f"{address} . inet_service"
        return f'{{ type {of}; comment "{_comment(str(one))}"; }}'

    def _rules(self, direction: Direction, allowed: Iterable[Allow]) -> Iterator[str]:
        for allow in allowed:
            if allow.networks is None or allow.networks_of(self.family):
                about = _about(allow)
                yield " ".join([*self._asks(direction, allow), "accept", *([f'comment "{about}"'] if about else [])])

    def _asks(self, direction: Direction, allow: Allow) -> Iterator[str]:
        """Yield what is asked of a connection, what is quick to be told first."""
        ip = self.family.nft
        peer = f"ct {'original' if direction is Direction.INGRESS else 'reply'} {ip} saddr"
        if allow.protocol:
            yield f"meta l4proto {allow.protocol.lower()}"
        if allow.ports:
            yield f"ct reply proto-src {_one_of(_ranges(allow))}"
        if allow.networks is not None:
            yield f"{peer} {_one_of(allow.networks_of(self.family))}"
        if allow.peers:
            yield f"{peer} @{allow.peers.set}"
        if allow.named:
            yield f"ct reply {ip} saddr . ct reply proto-src @{allow.named.set}"


def _one_of(values: list[str]) -> str:
    return f"{{ {', '.join(values)} }}" if len(values) > 1 else values[0]


def _about(allow: Allow) -> str:
    """Return for people what a rule is about: sets have names without sense, and nft prints these ports in hex."""
    ports = [allow.named.name] if allow.named else _ranges(allow)
    about = [str(allow.peers)] if allow.peers else []
    return _comment(", ".join([*about, *([f"{allow.protocol} {' '.join(ports)}".strip()] if allow.protocol else [])]))


def _ranges(allow: Allow) -> list[str]:
    return [str(first) if first == last else f"{first}-{last}" for first, last in allow.ports]


def _of_group(group: Group) -> list[str]:
    return [*(f"jump {chain}" for chain in group.chains), f"counter name {_denied(group.direction)} drop"]


def _denied(direction: Direction) -> str:
    return f"denied-{direction}"


def _comment(text: str) -> str:
    return text if len(text) <= LONGEST_COMMENT else f"{text[: LONGEST_COMMENT - 3]}..."
