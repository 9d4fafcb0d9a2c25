"""A node's pod addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherry.node.network import link
from wherry.node.network.addresses import AddressPool, NoAddressLeftError


def test_the_first_pod_gets_the_second_address_after_the_gateway(tmp_path: Path):
    pool = AddressPool(tmp_path, "10.244.1.0/24")
    assert (pool.gateway, pool.allocate("a"), pool.allocate("b")) == ("10.244.1.1", "10.244.1.2", "10.244.1.3")


def test_a_pool_of_ipv6_gives_addresses_alike(tmp_path: Path):
    pool = AddressPool(tmp_path, "fd00:244::/64")
    assert (pool.gateway, pool.allocate("a"), pool.allocate("b")) == ("fd00:244::1", "fd00:244::2", "fd00:244::3")
    pool.release("a")
    assert AddressPool(tmp_path, "fd00:244::/64").allocate("c") == "fd00:244::4"


def test_a_pod_keeps_its_address_also_with_another_agent(tmp_path: Path):
    first = AddressPool(tmp_path, "10.244.1.0/24").allocate("a")
    assert AddressPool(tmp_path, "10.244.1.0/24").allocate("a") == first


def test_a_freed_address_is_taken_again_last(tmp_path: Path):
    pool = AddressPool(tmp_path, "10.244.1.0/29")
    for uid in "abcde":
        pool.allocate(uid)
    pool.release("b")
    with_room = pool.allocate("f")
    assert with_room == "10.244.1.3"


def test_addresses_are_not_reused_at_once(tmp_path: Path):
    pool = AddressPool(tmp_path, "10.244.1.0/24")
    pool.allocate("a")
    pool.release("a")
    assert pool.allocate("b") == "10.244.1.3"


def test_a_full_range_is_told(tmp_path: Path):
    pool = AddressPool(tmp_path, "10.244.1.0/30")
    pool.allocate("a")
    with pytest.raises(NoAddressLeftError, match=r"10.244.1.0/30"):
        pool.allocate("b")


def test_link_names_fit_the_kernel():
    assert len(link.name("0f9a1a52-0000-4000-8000-000000000001")) <= 15
