"""A kernel that takes the plan's changes, refuses what the real one would, and says what becomes of connections."""

from __future__ import annotations

import ipaddress

from tests.networkpolicy.reference import Connection
from wherry.networkpolicy.groups import Group
from wherry.networkpolicy.plan import ISOLATED, OWN, VERDICTS, Change
from wherry.networkpolicy.policy import Allow, Direction, NamedPort, Peers
from wherry.objects.family import Family, family_of
from wherry.objects.metadata import Key


class Simulator:
    def __init__(self) -> None:
        self.policies: dict[tuple[Direction, Key], tuple[Allow, ...]] = {}
        self.groups: dict[str, Group] = {}
        self.sets: dict[Family, dict[str, dict[str, str | None]]] = {
            family: {name: {} for name in (*VERDICTS.values(), ISOLATED, OWN)} for family in Family
        }
        self.pod_sets: set[Peers | NamedPort] = set()

    def apply(self, change: Change) -> None:
        """In the order of a transaction (`wherry.net.nft`)."""
        for one in change.made:
            assert one not in self.pod_sets
            self.pod_sets.add(one)
            for sets in self.sets.values():
                assert sets.setdefault(one.set, {}) == {}
        for at, allowed in change.policies.items():
            if allowed is not None:
                self.policies[at] = allowed
        for group, there in change.groups.items():
            if there:
                assert group.chain not in self.groups
                self.groups[group.chain] = group
        gone = {one.set for one in change.dropped}
        for family, differing in change.elements.items():
            for name, keys in differing.deleted.items():
                for key in keys:
                    del self.sets[family][name][key]
            for name, elements in differing.added.items():
                assert name not in gone
                assert not self.sets[family][name].keys() & elements.keys()
                self.sets[family][name] |= elements
        for group, there in change.groups.items():
            if not there:
                del self.groups[group.chain]
        for at, allowed in change.policies.items():
            if allowed is None:
                del self.policies[at]
        for one in change.dropped:
            self.pod_sets.remove(one)
            for sets in self.sets.values():
                del sets[one.set]
        self._holds_together()

    def _holds_together(self) -> None:
        for group in self.groups.values():
            assert all((group.direction, key) in self.policies for key in group.policies)
        for allowed in self.policies.values():
            assert all(one in self.pod_sets for allow in allowed for one in allow.sets)
        for sets in self.sets.values():
            for name in VERDICTS.values():
                assert all(str(verdict).removeprefix("goto ") in self.groups for verdict in sets[name].values())
        assert len({one.set for one in self.pod_sets}) == len(self.pod_sets)

    def allows(self, connection: Connection) -> bool:
        client, server, _, _ = connection
        sets = self.sets[family_of(client)]
        if f"{client} . {server}" in sets[OWN]:
            return True
        ends = ((Direction.EGRESS, client, server), (Direction.INGRESS, server, client))
        return all(self._passes(direction, own, peer, connection) for direction, own, peer in ends)

    def _passes(self, direction: Direction, own: str, peer: str, connection: Connection) -> bool:
        verdict = self.sets[family_of(own)][VERDICTS[direction]].get(own)
        if verdict is None:
            return True
        group = self.groups[verdict.removeprefix("goto ")]
        return any(self._fits(a, peer, connection) for key in group.policies for a in self.policies[direction, key])

    def _fits(self, allow: Allow, peer: str, connection: Connection) -> bool:
        family = family_of(peer)
        sets = self.sets[family]
        if allow.peers and peer not in sets[allow.peers.set]:
            return False
        if allow.networks is not None and not _within(peer, allow.networks_of(family)):
            return False
        if allow.protocol and allow.protocol != connection.protocol:
            return False
        if allow.named and f"{connection.server} . {connection.port}" not in sets[allow.named.set]:
            return False
        return not allow.ports or any(a <= connection.port <= b for a, b in allow.ports)


def _within(address: str, networks: list[str]) -> bool:
    return any(ipaddress.ip_address(address) in ipaddress.ip_network(n) for n in networks)
