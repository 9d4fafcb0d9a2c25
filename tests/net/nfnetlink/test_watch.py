"""What the kernel tells of changes of nftables."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.net.nfnetlink.watch import Watch

OURS = 77


def message(kind: int, table: bytes, family: int = 2, port: int = 5) -> bytes:
    attribute = struct.pack("=HH", 4 + len(table), 1) + table
    body = bytes([family, 0, 0, 0]) + attribute + bytes(-len(attribute) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, port) + body


def concerned(data: bytes) -> bool:
    return Watch({"ip wherry-proxy"}, lambda port: port == OURS, lambda: None).concerned(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(0xA02, b"wherry-proxy\0"), True),
        (message(0xA0E, b"wherry-proxy\0"), True),  # an element is gone
        (message(0xA06, b"other\0") + message(0xA06, b"wherry-proxy\0"), True),
        (message(0xA02, b"wherry-proxy\0", port=OURS), False),
        (message(0xA02, b"wherry-proxy\0", family=10), False),
        (message(0xA02, b"other\0"), False),
        (message(0x102, b"wherry-proxy\0"), False),  # conntrack's
        (b"", False),
    ],
)
def test_only_changes_of_what_is_watched_by_others_count(data: bytes, expected: bool) -> None:
    assert concerned(data) is expected


@given(st.binary(max_size=64), st.integers(0, 60))
def test_messages_cut_or_damaged_come_to_an_end(noise: bytes, at: int) -> None:
    data = message(0xA02, b"wherry-proxy\0")
    concerned(data[:at] + noise + data[at:])
