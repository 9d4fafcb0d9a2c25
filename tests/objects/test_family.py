"""What differs between IPv4 and IPv6."""

from __future__ import annotations

import json
import socket
from ipaddress import ip_address, ip_network

import msgspec
import pytest

from wherry.objects.family import (
    Family,
    bracketed,
    canonical,
    family_of,
    network,
    network_family,
    parsed,
    parsed_network,
    serves,
    usable,
)


@pytest.mark.parametrize("family", Family)
def test_a_familys_addresses_are_of_it(family: Family) -> None:
    for text in (family.any, family.loopback, family.everywhere, family.loopbacks):
        assert family_of(text) is family
    assert ip_address(family.any).is_unspecified
    assert ip_address(family.loopback) in ip_network(family.loopbacks)
    assert network_family(network(family.alone(family.loopback))) is family
    assert network(family.alone(family.loopback)).num_addresses == 1
    assert family.other.other is family is not family.other
    assert network(family.everywhere).max_prefixlen == family.bits
    assert family.number == {"IPv4": socket.AF_INET, "IPv6": socket.AF_INET6}[family]


def test_a_family_is_its_name_in_the_api() -> None:
    assert Family("IPv6") is Family.V6
    assert Family.V4 == "IPv4"
    assert {"IPv4": 1}[Family.V4] == 1
    assert json.dumps(Family.V4) == '"IPv4"'
    assert msgspec.json.encode([Family.V6]) == b'["IPv6"]'


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("fd00:0:0:0:0:0:0:A", "fd00::a"),
        ("fd00::a", "fd00::a"),
        ("10.0.0.1", "10.0.0.1"),
        ("not:an:address", "not:an:address"),
        ("nothing", "nothing"),
    ],
)
def test_an_address_has_one_spelling(text: str, plain: str) -> None:
    assert canonical(text) == plain


def test_only_ipv6_is_bracketed() -> None:
    assert (bracketed("fd00::1"), bracketed("10.0.0.1"), bracketed("name")) == ("[fd00::1]", "10.0.0.1", "name")


def test_a_network_with_bits_beyond_its_prefix_is_none() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        network("fd00::1/64")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("172.020.0.44", "172.20.0.44"),  # a C library would read 172.16.0.44
        ("010.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("FD00::0001", "fd00::1"),
        ("fe80::1%eth0", None),
        ("garbage", None),
        ("", None),
        ("10.0.0.0/8", None),
    ],
)
def test_everybody_reads_an_address_alike(text: str, meant: str | None) -> None:
    assert parsed(text) == (ip_address(meant) if meant else None)
    assert usable([text, None]) == ([meant] if meant else [])


def test_a_network_is_read_without_the_bits_beyond_its_prefix() -> None:
    assert parsed_network("010.1.2.3/8") == ip_network("10.0.0.0/8")
    assert [parsed_network(text) for text in ("10.0.0.1", "x/8", "10.0.0.0/33", "")] == [None] * 4


def test_an_endpoint_is_where_traffic_can_be_sent() -> None:
    assert [a for a in ("10.0.0.1", "127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.1", "x") if serves(a)] == [
        "10.0.0.1"
    ]
