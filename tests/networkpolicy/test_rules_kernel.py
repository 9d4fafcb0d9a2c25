"""Policies in a real kernel, with real packets, in both families."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tests.networkpolicy.build import labelled, policy
from tests.networkpolicy.node import SPACES, Node, pods
from tests.proxy.build import CLUSTER_IP, PODS, endpoint, endpoint_slice, service
from tests.proxy.outcome import to
from tests.proxy.world import World, small_world
from wherry.net import namespaces
from wherry.net.nft import NftCommand
from wherry.objects.family import Family

pytestmark = pytest.mark.kernel

EVERYBODY = {"p1", "p2", "p3", "r1", "client", "host"}
P1 = labelled(pod="p1")
DENY = policy("deny", pods=P1)


@pytest.fixture(scope="module", params=Family)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with small_world(request.param) as made:
        yield made


@pytest.fixture
def node(world: World) -> Iterator[Node]:
    made = Node(world)
    made.tell(*SPACES, *pods())
    yield made
    made.close()


def test_without_a_policy_all_pass_and_there_is_no_table(node: Node) -> None:
    node.load()
    assert node.who_reach("p1") == EVERYBODY
    assert node.inside(lambda: node.nft.list_table(node.table)) is None


def test_a_pod_that_is_denied_all_is_reached_by_its_node_and_itself_alone(node: Node) -> None:
    node.tell(DENY)
    node.load()
    assert node.who_reach("p1") == {"p1", "host"}
    assert node.who_reach("p1", protocol="udp") == {"p1", "host"}
    assert node.who_reach("p2") == EVERYBODY
    node.gone(DENY)
    node.sync()
    assert node.who_reach("p1") == EVERYBODY
    assert node.inside(lambda: node.nft.list_table(node.table)) is None


CHOICES = {
    "pods of the namespace": ([{"podSelector": {}}], {"p2"}),
    "one pod of the namespace": ([{"podSelector": labelled(pod="p2")}], {"p2"}),
    "pods elsewhere are not of the namespace": ([{"podSelector": labelled(pod="p3")}], set()),
    "a namespace": ([{"namespaceSelector": labelled(team="b")}], {"p3", "r1"}),
    "pods of a namespace": ([{"namespaceSelector": labelled(team="b"), "podSelector": labelled(pod="r1")}], {"r1"}),
    "all namespaces": ([{"namespaceSelector": {}}], {"p2", "p3", "r1"}),
    "either": ([{"podSelector": {}}, {"namespaceSelector": labelled(team="b")}], {"p2", "p3", "r1"}),
    "a network": ([{"ipBlock": {"cidr": "192.168.51.0/24"}}], {"client"}),
    "a network but for a part": ([{"ipBlock": {"cidr": "10.244.0.0/16", "except": ["10.244.0.7/32"]}}], {"p2", "r1"}),
    "everybody": ([], {"p2", "p3", "r1", "client"}),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_who_is_let_in(node: Node, choice: str) -> None:
    whom, reached = CHOICES[choice]
    node.tell(policy(pods=P1, ingress=[{"from": whom}]))
    node.load()
    assert node.who_reach("p1") == {"p1", "host", *reached}


@pytest.mark.parametrize("choice", [c for c in CHOICES if "network" not in c])
def test_who_is_let_out_to(node: Node, choice: str) -> None:
    whom, reached = CHOICES[choice]
    node.tell(policy(pods=P1, policyTypes=["Egress"], egress=[{"to": whom}]))
    node.load()
    assert {name for name in PODS if node.reaches("p1", name)} == {"p1", *(reached - {"client"})}
    assert node.who_reach("p1") == EVERYBODY


PORTS = {
    "a number": ([{"port": 8080}], {("tcp", 8080)}),
    "another number": ([{"port": 8081}], {("tcp", 8081)}),
    "a range": ([{"port": 8079, "endPort": 8080}], {("tcp", 8080)}),
    "ranges that overlap": (
        [{"port": 8080}, {"port": 8000, "endPort": 8080}, {"port": 8080, "endPort": 9000}],
        {("tcp", 8080), ("tcp", 8081)},
    ),
    "a name": ([{"port": "serve"}], {("tcp", 8080)}),
    "a name of another protocol": ([{"port": "serve", "protocol": "UDP"}], set()),
    "a name and a number": ([{"port": "ask", "protocol": "UDP"}, {"port": 8081}], {("udp", 8080), ("tcp", 8081)}),
    "a protocol": ([{"protocol": "UDP"}], {("udp", 8080)}),
    "all": ([], {("tcp", 8080), ("tcp", 8081), ("udp", 8080)}),
}


@pytest.fixture(scope="module")
def more_ports(world: World) -> None:
    for name in PODS:
        world.listen(name, socket.SOCK_STREAM, 8081)


@pytest.mark.usefixtures("more_ports")
@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("choice", PORTS)
def test_which_ports_are_let_through(node: Node, choice: str, way: str) -> None:
    ports, reached = PORTS[choice]
    if way == "in":
        node.tell(policy(pods=P1, ingress=[{"ports": ports}]))
    else:
        node.tell(policy(pods=labelled(pod="p2"), policyTypes=["Egress"], egress=[{"ports": ports}]))
    node.load()
    tried = (("tcp", 8080), ("tcp", 8081), ("udp", 8080))
    assert {(of, port) for of, port in tried if node.reaches("p2", "p1", port, of)} == reached


def test_both_ends_have_to_consent(node: Node) -> None:
    node.tell(DENY, policy("out", "other", policyTypes=["Egress"], egress=[{"to": [{"namespaceSelector": {}}]}]))
    node.load()
    assert not node.reaches("p3", "p1")
    assert node.reaches("p3", "p2")
    node.tell(policy("in", pods=P1, ingress=[{"from": [{"namespaceSelector": labelled(team="b")}]}]))
    node.sync()
    assert node.reaches("p3", "p1")
    node.tell(policy("out", "other", policyTypes=["Egress"]))
    node.sync()
    assert not node.reaches("p3", "p1")
    assert node.reaches("r1", "p1"), "that is for its own node to decide"


def test_labels_that_change_are_followed(node: Node) -> None:
    node.tell(
        policy(
            pods=P1, ingress=[{"from": [{"namespaceSelector": labelled(team="b"), "podSelector": labelled(ok="yes")}]}]
        )
    )
    node.load()
    assert node.who_reach("p1") == {"p1", "host"}
    node.tell(*pods(p3={"ok": "yes"}, p2={"ok": "yes"}))
    node.sync()
    assert node.who_reach("p1") == {"p1", "host", "p3"}
    node.tell({**SPACES[0], "metadata": {"name": "demo", "labels": {"team": "b"}}})
    node.sync()
    assert node.who_reach("p1") == {"p1", "host", "p2", "p3"}
    node.tell(*pods())
    node.sync()
    assert node.who_reach("p1") == {"p1", "host"}
    node.tell(*pods(p1={"pod": "free"}))
    node.sync()
    assert node.who_reach("p1") == EVERYBODY


def test_a_pod_that_comes_or_goes_needs_no_chain(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """To make one takes an nft, which reads the ruleset of the whole machine."""
    node.tell(policy("all", ingress=[{"from": [{"namespaceSelector": {}}]}]), policy("all", "other"))
    node.load()
    monkeypatch.setattr(NftCommand, "run", None)
    first, *_ = pods()
    node.plan.pod(("demo", "p1"), None)
    node.sync()
    assert not node.reaches("p1", "p2")
    node.tell(first)
    node.sync()
    monkeypatch.undo()
    assert node.reaches("p1", "p2")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_connection_ends_with_its_permission_and_goes_on_with_it(node: Node, protocol: str) -> None:
    let_in = policy(pods=P1, ingress=[{"from": [{"podSelector": labelled(pod="p2")}]}])
    node.tell(let_in)
    node.load()
    with node.world.dial("p2", node.world.addresses["p1"], 8080, protocol) as connection:
        assert node.world.talk(connection).startswith("p1")
        node.tell(policy("more", pods=P1, ingress=[{"ports": [{"port": 8081}]}]))
        node.sync()
        assert node.world.talk(connection).startswith("p1")
        node.gone(let_in)
        node.sync()
        with pytest.raises(TimeoutError):
            node.world.talk(connection)
        node.tell(let_in)
        node.sync()
        if protocol == "udp":
            assert node.world.talk(connection).startswith("p1")


def test_answers_need_no_permission(node: Node) -> None:
    """p1 may ask nobody, and p2 be asked by nobody; yet p2 is answered by p1."""
    node.tell(policy("out", pods=P1, policyTypes=["Egress"]), policy("in", pods=labelled(pod="p2")))
    node.load()
    assert node.reaches("p2", "p1")
    assert node.reaches("p2", "p1", protocol="udp")
    assert not node.reaches("p1", "p2")


def test_what_comes_through_a_service_is_judged_by_the_pods(node: Node) -> None:
    node.serve([service()], [endpoint_slice([endpoint("p1")])])
    cluster_ip = {Family.V4: CLUSTER_IP, Family.V6: "fd00::a:60:0:a"}[node.world.family]
    node.tell(policy(pods=P1, ingress=[{"from": [{"podSelector": labelled(pod="p2")}], "ports": [{"port": 8080}]}]))
    node.tell(policy("out", pods=labelled(pod="p2"), policyTypes=["Egress"], egress=[{"to": [{"podSelector": P1}]}]))
    node.load()
    send = node.world.send
    assert send("p2", cluster_ip, 80) == to("p1")
    assert send("p3", cluster_ip, 80).what == "DROP"
    assert send("p1", cluster_ip, 80).pods == {"p1"}, "a pod reaches itself, also this way"
    assert send("host", cluster_ip, 80).pods == {"p1"}


def test_packets_of_no_connection_do_not_reach_who_is_isolated(node: Node) -> None:
    node.tell(DENY)
    node.load()
    assert node.world.stray("p2", "p1") == []
    assert node.world.stray("p2", "p3") == [node.world.addresses["p2"]]


DAMAGES = {
    "a deleted table": "delete table {table}",
    "a flushed ruleset": "flush ruleset",
    "a rule too much": "insert rule {table} ingress accept",
    "a rule too few": "flush chain {table} ingress/demo/web",
    "an element too few": "flush set {table} isolated",
    "an element too much": "add element {table} ingress-of {{ {p2} : goto pods/ingress/demo/web }}",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_another_changes_is_heard_found_and_made_whole(node: Node, damage: str) -> None:
    node.tell(policy(pods=P1, ingress=[{"from": [{"podSelector": {}}], "ports": [{"port": "serve"}]}]))
    node.load()
    assert node.differences() == []
    command = DAMAGES[damage].format(table=node.table, p2=node.world.addresses["p2"])
    another = NftCommand()

    async def harm() -> None:
        await another.run(command)
        await asyncio.wait_for(node.suspected.wait(), 5)

    node.inside(harm)
    assert node.differences()
    node.load()
    assert node.differences() == []
    assert node.who_reach("p1") == {"p1", "host", "p2"}
    assert node.who_reach("p2") == EVERYBODY


def test_its_own_changes_are_no_drift(node: Node) -> None:
    node.tell(*(policy(f"n{i}", pods=P1, ingress=[{"from": [{"podSelector": labelled(a=str(i))}]}]) for i in range(9)))
    node.load()
    for i in range(9):
        node.gone(policy(f"n{i}"))
        node.tell(*pods(p2={"a": str(i)}))
        node.sync()
    node.tell(DENY)
    node.sync()
    assert node.differences() == []
    assert not node.suspected.is_set()


def test_long_names_and_many_selectors_are_taken(node: Node) -> None:
    """A policy's name may be as long as 253 characters, a selector as long as one likes."""
    many = {f"example.com/{i:02}{'k' * 50}": "v" * 60 for i in range(20)}
    node.tell(
        *(policy("n" * 252 + end, pods=P1, ingress=[{"from": [{"podSelector": labelled(**many)}]}]) for end in "ab")
    )
    node.tell(*pods(p2=many))
    node.load()
    assert node.who_reach("p1") == {"p1", "host", "p2"}
    assert node.differences() == []


def test_sctp_is_judged_too(node: Node) -> None:
    """The kernel may have no SCTP to send with; the rules are taken in any case."""
    node.tell(policy(pods=P1, ingress=[{"ports": [{"port": 8080, "protocol": "SCTP"}]}]))
    node.load()
    assert node.differences() == []
    assert node.who_reach("p1") == {"p1", "host"}
    try:
        with socket.socket(node.world.family.number, socket.SOCK_STREAM, socket.IPPROTO_SCTP):
            pass
    except OSError:
        pytest.skip("this kernel has no SCTP")
    assert _sctp(node, 8080) == "refused"
    assert _sctp(node, 8081) == "silence"


def _sctp(node: Node, port: int) -> str:
    def ask() -> str:
        with socket.socket(node.world.family.number, socket.SOCK_STREAM, socket.IPPROTO_SCTP) as made:
            made.settimeout(0.25)
            try:
                made.connect((node.world.addresses["p1"], port))
            except ConnectionRefusedError:
                return "refused"
            except TimeoutError:
                return "silence"
            return "answer"

    return namespaces.run(node.world.path["p2"], ask)
