"""Whether a cluster has a way out, and what the cluster is told of it."""

from __future__ import annotations

import msgspec
import pytest

from wherry.cluster import egress
from wherry.cluster.config import ClusterConfig, plan_nodes

FOUR = ClusterConfig("t", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16"))
SIX = ClusterConfig(
    "t", plan_nodes("1", "fd00:51::/64", "fd00:244::/56"), "fd00:51::/64", "fd00:244::/56", "fd00:96::/108"
)


@pytest.mark.parametrize(
    ("asked", "here", "has"),
    [("auto", True, True), ("auto", False, False), ("on", False, True), ("none", True, False)],
)
def test_a_way_out_is_had_as_asked_or_as_it_can_be(
    asked: str, here: bool, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/usr/bin/slirp4netns" if here else None)
    config = msgspec.structs.replace(FOUR, egress=asked)
    assert egress.wanted(config) is has
    assert egress.name_servers(config) == (("192.0.2.3",) if has else ())
    assert ("none" in egress.told(config)) is not has


def test_a_cluster_of_ipv6_asks_for_ipv6() -> None:
    config = msgspec.structs.replace(SIX, egress="on")
    assert "--enable-ipv6" in egress.command(config, 3)
    assert "--enable-ipv6" not in egress.command(FOUR, 3)
    assert egress.name_servers(config) == ("fd00::3",)
