"""What the kernel tells of deleted tables."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.net.nftwatch import deleted_tables


def message(kind: int, name: bytes, family: int = 2) -> bytes:
    attribute = struct.pack("=HH", 4 + len(name), 1) + name
    body = bytes([family, 0, 0, 0]) + attribute + bytes(-len(attribute) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(0xA02, b"wherry-proxy\0"), ["ip wherry-proxy"]),
        (message(0xA00, b"wherry-proxy\0"), []),
        (message(0xA02, b"a\0", family=10) + message(0xA02, b"b\0"), ["ip6 a", "ip b"]),
        (b"", []),
    ],
)
def test_only_deletions_of_tables_count(data: bytes, expected: list[str]) -> None:
    assert list(deleted_tables(data)) == expected


@given(st.binary(max_size=64), st.integers(0, 60))
def test_messages_cut_or_damaged_come_to_an_end(noise: bytes, at: int) -> None:
    data = message(0xA02, b"wherry-proxy\0")
    list(deleted_tables(data[:at] + noise + data[at:]))
