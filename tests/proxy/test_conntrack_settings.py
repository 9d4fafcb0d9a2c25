"""What connection tracking is told."""

from __future__ import annotations

from wherry.proxy.config import ProxyConfig
from wherry.proxy.conntrack_settings import settings


def test_what_is_not_asked_for_stays_as_it_is() -> None:
    assert settings(ProxyConfig(node_name="n1"), 2) == {}
    assert settings(ProxyConfig(node_name="n1", conntrack_min=99), 2) == {}, "as kube-proxy: no limit, no least one"


def test_the_limit_grows_with_the_cores_and_has_a_least_one() -> None:
    asked = ProxyConfig(node_name="n1", conntrack_max_per_core=1000, conntrack_min=3000)
    assert settings(asked, 2)["max"] == 3000
    assert settings(asked, 8)["max"] == 8000


def test_timeouts_are_whole_seconds() -> None:
    asked = ProxyConfig(node_name="n1", conntrack_tcp_timeout_established=86400.0, conntrack_udp_timeout=1.5)
    assert settings(asked, 2) == {"tcp_timeout_established": 86400, "udp_timeout": 2}
