"""Who is in a cluster after a node has come or gone: the others keep their addresses and ranges."""

from __future__ import annotations

import pytest

from wherry.cluster.config import ClusterConfig, ConfigError, plan_nodes
from wherry.cluster.membership import with_node, without_node

THREE = ClusterConfig("web", plan_nodes("a,b,c", "192.168.51.0/24", "10.244.0.0/16"))


def described(config: ClusterConfig) -> list[tuple[str, str, str]]:
    return [(node.name, node.address, node.pod_cidrs[0]) for node in config.nodes]


def test_one_that_comes_gets_what_nobody_has() -> None:
    with_d = with_node(THREE, "d")
    assert described(with_d)[:3] == described(THREE)
    assert described(with_d)[3] == ("d", "192.168.51.212", "10.244.3.0/24")


def test_what_one_had_that_went_is_for_the_next() -> None:
    without_b = without_node(THREE, "b")
    assert described(without_b) == [described(THREE)[0], described(THREE)[2]]
    assert described(with_node(without_b, "d"))[2] == ("d", *described(THREE)[1][1:])


def test_it_may_say_its_address() -> None:
    assert with_node(THREE, "d=192.168.51.9").nodes[3].address == "192.168.51.9"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a", "named twice"),
        ("D", "is not a node name"),
        ("d=192.168.51.209", "the same address"),
        ("d=1.2.3.4", "must be in"),
    ],
)
def test_one_that_cannot_come_is_refused_by_name(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        with_node(THREE, name)


@pytest.mark.parametrize(("name", "said"), [("a", "where the control plane is"), ("d", "it has a, b, c")])
def test_one_that_cannot_go_is_refused_by_name(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        without_node(THREE, name)
