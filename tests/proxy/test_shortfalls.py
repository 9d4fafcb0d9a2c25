"""What a mode does less of, by Service."""

from __future__ import annotations

from tests.proxy.build import service
from wherry.proxy.modes import _MODES
from wherry.proxy.shortfalls import shortfalls

STICKY = service("sticky", sessionAffinity="ClientIP")
STICKY_OUTSIDE = service("outside", [{"port": 80, "nodePort": 30080}], type="NodePort", sessionAffinity="ClientIP")
LOCAL = service("local", [{"port": 80, "nodePort": 30081}], type="NodePort", externalTrafficPolicy="Local")


def test_what_every_mode_does_is_not_told() -> None:
    assert all(shortfalls([service()], mode) == [] for mode in _MODES)


def test_iptables_remembers_a_hundred_clients() -> None:
    lines = shortfalls([service(), STICKY], "iptables")
    assert [line.split(":")[0] for line in lines] == ["demo/sticky"]
    assert "100 clients" in lines[0]


def test_affinity_is_for_each_address_but_in_iptables() -> None:
    for mode in ("nftables", "ipvs"):
        lines = shortfalls([STICKY, STICKY_OUTSIDE], mode)
        assert [line.split(":")[0] for line in lines] == ["demo/outside"]


def test_userspace_keeps_no_client_s_address_but_binds_a_client_at_all_of_a_service_s() -> None:
    assert [line.split(":")[0] for line in shortfalls([STICKY_OUTSIDE, LOCAL], "userspace")] == ["demo/local"]


def test_ipvs_leaves_to_iptables_what_depends_on_who_asks() -> None:
    assert [line.split(":")[0] for line in shortfalls([LOCAL], "ipvs")] == ["demo/local"]
    assert shortfalls([LOCAL], "nftables") == []
