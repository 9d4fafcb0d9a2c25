"""What the kernel tells of new flows."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.net.flowwatch import NEW_FLOW, new_flows


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def direction(kind: int, source: str, destination: str) -> bytes:
    """Return one direction as the kernel has it: nested attributes, marked as such."""
    first = 1 if ipaddress.ip_address(source).version == 4 else 3
    packed = (ipaddress.ip_address(address).packed for address in (source, destination))
    addresses = b"".join(attribute(first + i, value) for i, value in enumerate(packed))
    return attribute(kind | 0x8000, attribute(1 | 0x8000, addresses) + attribute(2 | 0x8000, b"\6"))


def message(*attributes: bytes, kind: int = NEW_FLOW) -> bytes:
    body = bytes([2, 0, 0, 0]) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


ASKED = direction(1, "10.244.0.7", "10.96.0.10")
ANSWERED = direction(2, "10.244.1.5", "10.244.0.7")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(ASKED, ANSWERED, attribute(3, b"\0\0\0\1")), ["10.244.1.5"]),
        (message(ANSWERED, ASKED) * 2, ["10.244.1.5"] * 2),
        (
            message(direction(1, "fd00:244::7", "fd00:96::a"), direction(2, "fd00:244::5", "fd00:244::7")),
            ["fd00:244::5"],
        ),
        (message(ASKED, ANSWERED, kind=NEW_FLOW + 2), []),  # one that ended
        (message(ASKED), []),
        (b"", []),
    ],
)
def test_a_flow_is_told_by_who_answers_it(data: bytes, expected: list[str]) -> None:
    assert list(new_flows(data)) == expected


@given(st.binary(max_size=64), st.integers(0, 160))
def test_messages_cut_or_damaged_come_to_an_end(noise: bytes, at: int) -> None:
    data = message(ASKED, ANSWERED)
    list(new_flows(data[:at] + noise + data[at:]))
