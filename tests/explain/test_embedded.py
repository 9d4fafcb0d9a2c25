"""What a kernel tells of who listens."""

from __future__ import annotations

from wherry.explain.embedded import read

TCP = "  sl  local_address rem_address   st tx_queue\n"


def test_sockets_that_take_what_comes_are_told_by_place() -> None:
    text = (
        "@ n1\n= tcp\n" + TCP + "   0: 00000000:1F90 00000000:0000 0A 00000000\n"
        "   1: 0100007F:0050 00000000:0000 0A 00000000\n   2: 0500F40A:1F90 0900F40A:9000 01 00000000\n"
        "= tcp6\n   0: 00000000000000000000000000000000:0051 00000000000000000000000000000000:0000 0A 0\n"
        "   1: 0000000000000000FFFF00000500F40A:0052 00000000000000000000000000000000:0000 0A 0\n"
        "= udp\n   0: 00000000:0035 00000000:0000 07 0\n   1: 0100007F:0044 0100007F:0035 01 0\n= udp6\n"
        "@ gone\n@ uid\n= tcp\n"
    )
    assert read(text) == {
        "n1": {
            ("TCP", "0.0.0.0", 8080),
            ("TCP", "127.0.0.1", 80),
            ("TCP", "::", 81),
            ("TCP", "10.244.0.5", 82),
            ("UDP", "0.0.0.0", 53),
        },
        "uid": frozenset(),
    }
