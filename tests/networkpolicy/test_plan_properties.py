"""The plan against the reference, on worlds of its own making, told whole and told change by change."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.networkpolicy import build, reference
from tests.networkpolicy.reference import Connection
from tests.networkpolicy.simulator import Simulator
from wherry.networkpolicy import pod, policy, verdict
from wherry.networkpolicy.plan import Plan
from wherry.networkpolicy.policy import Direction
from wherry.objects import Object, metadata
from wherry.objects.family import family_of

NODE = "n1"
SPACES = ("demo", "other", "third")
ADDRESSES = ("10.244.0.5", "10.244.0.6", "10.244.1.7", "fd00::5", "fd00::6")
OUTSIDE = ("192.168.51.1", "10.0.0.9", "fd01::1")
PORTS = (79, 80, 81, 90, 8080)
PROTOCOLS = ("TCP", "UDP", "SCTP")

labels = st.dictionaries(st.sampled_from(("app", "tier")), st.sampled_from(("a", "b")), max_size=2)
expressions = st.fixed_dictionaries(
    {"key": st.sampled_from(("app", "tier")), "operator": st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist"))}
).map(lambda e: {**e, "values": ["a"]} if e["operator"] in ("In", "NotIn") else e)
selectors = st.one_of(
    st.just({}),
    labels.map(lambda m: {"matchLabels": m}),
    st.lists(expressions, max_size=2).map(lambda e: {"matchExpressions": e}),
)
blocks = st.sampled_from(
    (
        {"cidr": "0.0.0.0/0"},
        {"cidr": "10.244.0.0/16", "except": ["10.244.0.6/32", "10.244.1.0/24"]},
        {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/15"]},
        {"cidr": "fd00::/16", "except": ["fd00::6/128"]},
        {"cidr": "192.168.51.1/32"},
    )
)
peers = st.one_of(
    selectors.map(lambda s: {"podSelector": s}),
    selectors.map(lambda s: {"namespaceSelector": s}),
    st.tuples(selectors, selectors).map(lambda two: {"namespaceSelector": two[0], "podSelector": two[1]}),
    blocks.map(lambda b: {"ipBlock": b}),
)
ports = st.one_of(
    st.fixed_dictionaries({"protocol": st.sampled_from(PROTOCOLS)}),
    st.fixed_dictionaries({"port": st.sampled_from((80, 90)), "protocol": st.sampled_from(PROTOCOLS)}),
    st.sampled_from(({"port": 79, "endPort": 81}, {"port": 80, "endPort": 90}, {"port": "http"}, {"port": "dns"})),
    st.just({"port": "dns", "protocol": "UDP"}),
)


def rules(whom: str) -> st.SearchStrategy[list[Object]]:
    rule = st.fixed_dictionaries({}, optional={whom: st.lists(peers, max_size=3), "ports": st.lists(ports, max_size=3)})
    return st.lists(rule, max_size=3)


policies = st.builds(
    lambda name, space, selector, rest: build.policy(name, space, selector, **rest),
    st.sampled_from(("one", "two", "three")),
    st.sampled_from(SPACES),
    selectors,
    st.fixed_dictionaries(
        {"ingress": rules("from"), "egress": rules("to")},
        optional={"policyTypes": st.sampled_from((["Ingress"], ["Egress"], ["Ingress", "Egress"]))},
    ),
)


@st.composite
def pods(draw: st.DrawFn) -> Object:
    """Each address is one pod's, as in a cluster."""
    number = draw(st.integers(0, len(ADDRESSES) - 1))
    return build.pod(
        f"p{number}",
        draw(st.sampled_from((ADDRESSES[number], None))),
        SPACES[number % len(SPACES)],
        labels=draw(labels),
        ports=draw(st.sampled_from(({}, {"http": 80}, {"http": 8080, "dns": ("UDP", 81)}, {"dns": 81}))),
        node=draw(st.sampled_from((NODE, "n2"))),
        phase=draw(st.sampled_from(("Running", "Running", "Pending", "Succeeded"))),
        **draw(st.sampled_from(({}, {}, {"hostNetwork": True}))),
    )


namespaces = st.builds(lambda name, given: build.namespace(name, **given), st.sampled_from(SPACES), labels)
objects = st.one_of(policies, pods(), namespaces)
changes = st.lists(st.tuples(objects, st.booleans(), st.booleans()), max_size=25)
"""Each: an object, whether it goes instead of coming, and whether the plan is taken after it."""


class Told:
    """A plan and the world it has been told of."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, Any], Object] = {}
        self.plan = Plan()

    def tell(self, thing: Object, *, gone: bool = False) -> None:
        key = metadata.key(thing)
        if gone:
            self.objects.pop((thing["kind"], key), None)
        else:
            self.objects[thing["kind"], key] = thing
        match thing["kind"]:
            case "Pod":
                self.plan.pod(key, None if gone else pod.read(thing, NODE))
            case "Namespace":
                self.plan.namespace(key[1], None if gone else metadata.labels(thing))
            case _:
                self.plan.policy(key, None if gone else policy.read(thing))

    @property
    def world(self) -> reference.World:
        kinds = ("NetworkPolicy", "Pod", "Namespace")
        return reference.World(*([o for (k, _), o in self.objects.items() if k == kind] for kind in kinds))

    def consents(self, connection: Connection) -> bool:
        """Judge as `wherry trace` does."""
        found = {k: [o for (kind, _), o in self.objects.items() if kind == k] for k in ("NetworkPolicy", "Pod")}
        spaces = {key[1]: metadata.labels(o) for (kind, key), o in self.objects.items() if kind == "Namespace"}
        read = [one for o in found["Pod"] if (one := pod.read(o, NODE))]
        at = {address: one for one in read for address in one.addresses}
        asked = verdict.Connection(
            verdict.Party(connection.client, at.get(connection.client)),
            verdict.Party(connection.server, at.get(connection.server)),
            connection.protocol,
            connection.port,
        )
        own = {Direction.EGRESS: asked.client, Direction.INGRESS: asked.server}
        here = [d for d, party in own.items() if party.pod is not None and party.pod.local]
        rules = [policy.read(o) for o in found["NetworkPolicy"]]
        return all(verdict.judge(asked, direction, rules, spaces).allowed for direction in here)


def judged_alike(told: Told, kernel: Simulator) -> None:
    addresses = (*ADDRESSES, *OUTSIDE)
    for client in addresses:
        for server in addresses:
            if family_of(client) is family_of(server):
                for protocol in PROTOCOLS:
                    for port in PORTS:
                        connection = Connection(client, server, protocol, port)
                        right = reference.allowed(told.world, NODE, connection)
                        assert kernel.allows(connection) is right, connection
                        assert told.consents(connection) is right, connection


@given(changes)
def test_connections_fare_as_the_documentation_says(steps: list[tuple[Object, bool, bool]]) -> None:
    told, kernel = Told(), Simulator()
    for thing, gone, taken in steps:
        told.tell(thing, gone=gone)
        if taken:
            kernel.apply(told.plan.take())
    kernel.apply(told.plan.take())
    judged_alike(told, kernel)


@given(changes)
def test_change_by_change_leads_where_the_whole_leads(steps: list[tuple[Object, bool, bool]]) -> None:
    told, followed = Told(), Simulator()
    for thing, gone, taken in steps:
        told.tell(thing, gone=gone)
        if taken:
            followed.apply(told.plan.take())
    followed.apply(told.plan.take())
    whole, anew, fresh = Simulator(), Simulator(), Told()
    whole.apply(told.plan.whole())
    for thing in told.objects.values():
        fresh.tell(thing)
    anew.apply(fresh.plan.take())
    assert vars(whole) == vars(followed) == vars(anew)


@given(changes)
def test_what_is_told_twice_changes_nothing(steps: list[tuple[Object, bool, bool]]) -> None:
    told = Told()
    for thing, gone, _ in steps:
        told.tell(thing, gone=gone)
    told.plan.take()
    for thing in list(told.objects.values()):
        told.tell(thing)
    assert not told.plan.take()


@given(changes)
def test_when_all_goes_nothing_is_left(steps: list[tuple[Object, bool, bool]]) -> None:
    told, kernel = Told(), Simulator()
    for thing, _, _ in steps:
        told.tell(thing)
    kernel.apply(told.plan.take())
    for thing in list(told.objects.values()):
        told.tell(thing, gone=True)
    kernel.apply(told.plan.take())
    assert vars(kernel) == vars(Simulator())
