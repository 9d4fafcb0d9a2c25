"""Which endpoints take new connections."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.build import NODE, draining, endpoint, endpoint_slice, node, unready
from wherry.proxy.endpoint import Candidate, candidates
from wherry.proxy.topology import Choice, ThisNode, Verdict, cluster_choice, lasting, local_choice

ZONED = ThisNode("n1", "a", NODE.addresses)


def found(*endpoints: dict[str, Any]) -> list[Candidate]:
    return candidates([endpoint_slice(list(endpoints))], "", "TCP", "IPv4", "n1")


def addresses(choice: Choice) -> list[str]:
    return [e.address for e in choice.endpoints]


P1, P2, R1 = "10.244.0.5", "10.244.0.6", "10.244.1.5"


def test_ready_ones_are_chosen_before_draining_ones() -> None:
    assert addresses(cluster_choice(found(endpoint("p1"), draining("p2"), unready("r1")), NODE)) == [P1]


def test_draining_ones_serve_when_none_is_ready() -> None:
    assert addresses(cluster_choice(found(draining("p2"), unready("r1")), NODE)) == [P2]


def test_terminating_and_no_longer_serving_serves_nobody() -> None:
    gone = endpoint("p1", ready=False, serving=False, terminating=True)
    assert cluster_choice(found(gone), NODE) == Choice((), Verdict.REJECT)


def test_local_policy_keeps_to_this_node() -> None:
    assert addresses(local_choice(found(endpoint("p1"), endpoint("r1")))) == [P1]


def test_local_policy_prefers_a_local_draining_one_to_a_remote_ready_one() -> None:
    assert addresses(local_choice(found(draining("p1"), endpoint("r1")))) == [P1]


@pytest.mark.parametrize(
    ("remote", "verdict"),
    [(endpoint("r1"), Verdict.DROP), (draining("r1"), Verdict.DROP), (unready("r1"), Verdict.REJECT)],
)
def test_local_policy_drops_only_when_others_could_serve(remote: dict[str, Any], verdict: Verdict) -> None:
    assert local_choice(found(remote)) == Choice((), verdict, local=True)


def test_zone_hints_keep_traffic_in_the_zone() -> None:
    assert addresses(cluster_choice(found(endpoint("p1", zones=["a"]), endpoint("r1", zones=["b"])), ZONED)) == [P1]


def test_a_missing_hint_turns_all_hints_off() -> None:
    assert addresses(cluster_choice(found(endpoint("p1", zones=["a"]), endpoint("r1")), ZONED)) == [P1, R1]


def test_hints_of_endpoints_that_are_not_ready_do_not_count() -> None:
    entries = found(endpoint("p1", zones=["a"]), unready("p2"), endpoint("r1", zones=["b"]))
    assert addresses(cluster_choice(entries, ZONED)) == [P1]


def test_hints_that_name_no_endpoint_for_this_zone_are_ignored() -> None:
    assert addresses(cluster_choice(found(endpoint("p1", zones=["b"]), endpoint("r1", zones=["b"])), ZONED)) == [P1, R1]


def test_node_hints_come_before_zone_hints() -> None:
    entries = found(endpoint("p1", zones=["b"], nodes=["n2"]), endpoint("r1", zones=["a"], nodes=["n1"]))
    assert addresses(cluster_choice(entries, ZONED)) == [R1]


def test_local_policy_overrides_hints() -> None:
    entries = found(endpoint("p1", zones=["b"]), endpoint("r1", zones=["a"]))
    assert addresses(local_choice(entries)) == [P1]


def test_flows_last_on_what_serves_even_if_not_ready() -> None:
    entries = found(endpoint("p1"), draining("p2"), unready("r1"))
    assert [e.address for e in lasting(entries)] == [P1, P2]


def test_a_node_is_known_by_its_internal_address_first() -> None:
    obj = node(zone="a")
    obj["status"]["addresses"].insert(0, {"type": "ExternalIP", "address": "198.51.100.7"})
    obj["status"]["addresses"].append({"type": "InternalIP", "address": "fd00::1"})
    assert ThisNode.of("n1", obj) == ThisNode("n1", "a", ("192.168.51.209", "fd00::1"))


def test_a_node_that_is_not_registered_has_no_address() -> None:
    assert ThisNode.of("n1", None) == ThisNode("n1")
