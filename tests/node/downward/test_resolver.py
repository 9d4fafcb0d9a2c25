"""What pods of dnsPolicy Default are told to ask: the node's own resolver, but for what is on its loopback."""

from __future__ import annotations

import pytest

from wherry.node.downward import files, resolver

STUB = "# systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan\n"
BEHIND = "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch lan\n"


def test_what_systemd_resolved_asks_is_asked_where_it_listens_itself() -> None:
    assert resolver.parse(resolver.of_node(STUB, BEHIND)) == (["192.0.2.1", "2001:db8::1"], ["lan"], {})


def test_systemd_resolveds_file_is_nobodys_where_its_stub_is_not_asked() -> None:
    own = "nameserver 198.51.100.7\n"
    assert resolver.of_node(own, BEHIND) == own


@pytest.mark.parametrize("here", ["127.0.0.53", "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::"])
def test_a_server_on_the_machines_own_loopback_is_left_out(here: str) -> None:
    text = resolver.of_node(f"nameserver {here}\nnameserver 192.0.2.9 # beside it\nsearch lan\n", "")
    assert resolver.parse(text) == (["192.0.2.9"], ["lan"], {})


def test_name_servers_given_stand_for_the_machines_and_the_rest_is_as_it_was() -> None:
    assert resolver.parse(resolver.of_node(STUB, BEHIND, ["192.0.2.3"])) == (
        ["192.0.2.3"],
        ["lan"],
        {"edns0": None, "trust-ad": None},
    )
    assert resolver.of_node("", "", ["192.0.2.3"]) == "nameserver 192.0.2.3\n"


def test_so_it_is_in_systemd_resolveds_own_file() -> None:
    assert resolver.parse(resolver.of_node(STUB, f"nameserver 127.0.0.1\n{BEHIND}"))[0] == ["192.0.2.1", "2001:db8::1"]


def test_without_any_other_server_none_is_asked() -> None:
    assert resolver.parse(resolver.of_node(STUB, "")) == ([], ["lan"], {"edns0": None, "trust-ad": None})


@pytest.mark.parametrize("policy", [{"dnsPolicy": "Default"}, {"dnsPolicy": "ClusterFirst", "hostNetwork": True}])
def test_a_pod_with_the_nodes_resolver_hears_of_no_loopback(policy: dict[str, object]) -> None:
    pod = {"metadata": {"namespace": "demo"}, "spec": policy}
    text = files.resolv_conf(pod, ["10.96.0.10"], "cluster.local", resolver.of_node(STUB, BEHIND))
    assert text == "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch lan\n"
