"""Who may reach whom, as one node has to know it: chains of the policies that matter here, sets of addresses (pure).

    pods of this node ─▶ their groups ─▶ policies ─▶ sets of peers and of named ports ─▶ elements of all pods

Each step is counted by who needs it, so a change costs what it touches: a policy that selects no pod of this node
costs nothing, a pod that comes is an element in each set it is in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from wherry.networkpolicy.elements import Difference, Element, Elements
from wherry.networkpolicy.groups import Group
from wherry.networkpolicy.members import Members
from wherry.networkpolicy.pod import Pod
from wherry.networkpolicy.policy import Allow, Direction, NamedPort, Peers, Policy
from wherry.objects.family import Family, family_of
from wherry.objects.metadata import Key

T = TypeVar("T", bound=Hashable)

PodSet = Peers | NamedPort
VERDICTS = {Direction.INGRESS: "ingress-of", Direction.EGRESS: "egress-of"}
"""The maps from a pod's address to its group's chain."""
ISOLATED, OWN = "isolated", "own"
"""The sets of the addresses in those maps, and of each of them twice: a pod may always reach itself."""


@dataclass(slots=True)
class Change:
    """What is to be done to the tables: of a policy's direction, what it allows. None, or False of a group: it goes."""

    policies: dict[tuple[Direction, Key], tuple[Allow, ...] | None] = field(default_factory=dict)
    groups: dict[Group, bool] = field(default_factory=dict)
    made: list[PodSet] = field(default_factory=list)
    dropped: list[PodSet] = field(default_factory=list)
    elements: dict[Family, Difference] = field(default_factory=dict)

    def __bool__(self) -> bool:
        changed = any(d.deleted or d.added for d in self.elements.values())
        return bool(self.policies or self.groups or self.made or self.dropped or changed)


class Plan:
    """The plan of one node. What is told is taken in by `take`."""

    def __init__(self) -> None:
        self._policies: dict[str, dict[Key, Policy]] = {}
        self._pods: dict[Key, Pod] = {}
        self._of_namespace: dict[str, set[Key]] = {}
        self._members = Members()
        self._elements = Elements()
        self._groups: dict[Key, tuple[Group, ...]] = {}
        self._group_users: Counter[Group] = Counter()
        self._policy_users: Counter[tuple[Direction, Key]] = Counter()
        self._set_users: Counter[PodSet] = Counter()
        self._rules: dict[tuple[Direction, Key], tuple[Allow, ...]] = {}
        self._stale_pods: set[Key] = set()
        self._stale_policies: set[Key] = set()

    # What it is told

    def policy(self, key: Key, policy: Policy | None) -> None:
        """Take note of a policy, or (None) that it is gone."""
        namespace, _ = key
        of_namespace = self._policies.setdefault(namespace, {})
        old = of_namespace.pop(key, None)
        if policy is not None:
            of_namespace[key] = policy
        if old == policy:
            return
        self._stale_policies.add(key)
        if _choice(old) != _choice(policy):
            self._stale_pods |= {pod for pod in self._of_namespace.get(namespace, ()) if self._pods[pod].local}

    def pod(self, key: Key, pod: Pod | None) -> None:
        """Take note of a pod, or (None) that it has no address of its own any more."""
        if self._pods.get(key) == pod:
            return
        if pod is None:
            del self._pods[key]
            self._of_namespace[key[0]].discard(key)
        else:
            self._pods[key] = pod
            self._of_namespace.setdefault(key[0], set()).add(key)
        self._stale_pods.add(key)

    def namespace(self, name: str, labels: Mapping[str, str] | None) -> None:
        """Take note of a namespace's labels, or (None) that it is gone."""
        if self._members.namespace(name, labels):
            self._stale_pods |= self._of_namespace.get(name, set())

    # What follows

    @property
    def in_force(self) -> int:
        """How many policies select a pod of this node."""
        return len({key for _, key in self._policy_users})

    def is_in_force(self, key: Key) -> bool:
        """Return whether a policy selects a pod of this node."""
        return any(self._policy_users[direction, key] for direction in Direction)

    @property
    def isolated(self) -> int:
        """How many pods of this node a policy selects."""
        return len(self._groups)

    def isolates(self, family: Family) -> bool:
        """Return whether a policy selects a pod of this node that has an address of this family."""
        return self._elements.has(family, (ISOLATED,))

    def elements(self, family: Family) -> Mapping[str, Mapping[str, str | None]]:
        """Return all elements of a family, as they were when last taken."""
        return self._elements.of(family)

    def whole(self) -> Change:
        """Return the change from nothing to what was last taken."""
        return Change(
            dict(self._rules),
            dict.fromkeys(self._group_users, True),
            list(self._set_users),
            [],
            {family: Difference(added={n: dict(e) for n, e in self.elements(family).items()}) for family in Family},
        )

    def take(self) -> Change:
        """Take in what was told; return what changes."""
        change = Change()
        touched = self._stale_policies | self._regroup(change)
        self._judge(touched, change)
        for key in self._stale_pods:
            self._elements.put(key, self._elements_of(key))
        self._stale_pods.clear()
        self._stale_policies.clear()
        change.elements = self._elements.take()
        return change

    def _regroup(self, change: Change) -> set[Key]:
        """Find the groups of pods anew; return the policies that came into use, or out of it, by that."""
        counted: Counter[Group] = Counter()
        for key in self._stale_pods:
            old, new = self._groups.pop(key, ()), self._groups_of(self._pods.get(key))
            if new:
                self._groups[key] = new
            counted.subtract(old)
            counted.update(new)
        touched: set[Key] = set()
        for group, more in counted.items():
            before, after = self._group_users[group], _count(self._group_users, group, more)
            if bool(before) == bool(after):
                continue
            change.groups[group] = bool(after)
            for key in group.policies:
                _count(self._policy_users, (group.direction, key), 1 if after else -1)
                touched.add(key)
        return touched

    def _groups_of(self, pod: Pod | None) -> tuple[Group, ...]:
        if pod is None or not pod.local:
            return ()
        mine = {k: p for k, p in self._policies.get(pod.namespace, {}).items() if p.pods.matches(pod.labels)}
        found = (Group(d, tuple(sorted(k for k, p in mine.items() if d in p.allowed))) for d in Direction)
        return tuple(group for group in found if group.policies)

    def _judge(self, touched: Iterable[Key], change: Change) -> None:
        """Make the rules of policies anew, and the sets that they need."""
        needed: Counter[PodSet] = Counter()
        for key in touched:
            for direction in Direction:
                old, new = self._rules.pop((direction, key), None), self._rules_of(direction, key)
                if new is not None:
                    self._rules[direction, key] = new
                if new != old:
                    change.policies[direction, key] = new
                    needed.subtract(s for allow in old or () for s in allow.sets)
                    needed.update(s for allow in new or () for s in allow.sets)
        for one, more in needed.items():
            before, after = self._set_users[one], _count(self._set_users, one, more)
            if after and not before:
                change.made.append(one)
                self._begin(one)
            elif before and not after:
                change.dropped.append(one)
                self._stale_pods |= self._elements.owners(one.set)
                if isinstance(one, Peers):
                    self._members.drop(one)

    def _rules_of(self, direction: Direction, key: Key) -> tuple[Allow, ...] | None:
        policy = self._policies.get(key[0], {}).get(key)
        if policy is None or not self._policy_users[direction, key]:
            return None
        return policy.allowed.get(direction)

    def _begin(self, one: PodSet) -> None:
        """Have a set, and look at every pod that may be in it."""
        if isinstance(one, NamedPort):
            self._stale_pods |= {key for key, pod in self._pods.items() if one in pod.ports}
            return
        self._members.use(one)
        for namespace in [one.namespace] if one.namespaces is None else list(self._of_namespace):
            if one in self._members.in_question(namespace or ""):
                keys = self._of_namespace.get(namespace or "", ())
                self._stale_pods |= {key for key in keys if one.pods.matches(self._pods[key].labels)}

    def _elements_of(self, key: Key) -> frozenset[Element]:
        pod = self._pods.get(key)
        if pod is None:
            return frozenset()
        found: set[Element] = set()
        peers = self._members.of(pod)
        for address in pod.addresses:
            family = family_of(address)
            found |= {Element(family, p.set, address) for p in peers}
            found |= {
                Element(family, port.set, f"{address} . {number}")
                for port, number in pod.ports.items()
                if port in self._set_users
            }
            groups = self._groups.get(key, ())
            found |= {Element(family, VERDICTS[g.direction], address, f"goto {g.chain}") for g in groups}
            if groups:
                found |= {Element(family, ISOLATED, address), Element(family, OWN, f"{address} . {address}")}
        return frozenset(found)


def _choice(policy: Policy | None) -> object:
    """Return what decides whose groups a policy is in."""
    return policy and (policy.pods, frozenset(policy.allowed))


def _count(counter: Counter[T], key: T, more: int) -> int:
    """Count up or down, and forget what nobody needs; return the count."""
    counter[key] += more
    left = counter[key]
    if not left:
        del counter[key]
    return left
