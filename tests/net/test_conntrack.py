"""Reading what conntrack prints."""

from __future__ import annotations

from wherry.net.conntrack import Path, udp_paths


def flow(original: str, reply: str, state: str = "") -> str:
    return f"udp      17 29 {original} {state} {reply} mark=0 use=1\n"


def test_flows_are_told_by_whom_was_asked_and_who_answers() -> None:
    listing = (
        flow(
            "src=10.244.0.7 dst=10.96.0.10 sport=7 dport=53",
            "src=10.244.1.5 dst=10.244.0.7 sport=5353 dport=7 [ASSURED]",
        )
        + flow("src=10.244.0.8 dst=10.96.0.10 sport=1 dport=53", "src=10.244.1.5 dst=10.244.0.8 sport=5353 dport=1")
        + flow(
            "src=10.244.0.7 dst=10.96.0.11 sport=2 dport=53",
            "src=10.96.0.11 dst=10.244.0.7 sport=53 dport=2",
            "[UNREPLIED]",
        )
    )
    assert udp_paths(listing) == {
        Path(("10.96.0.10", 53), ("10.244.1.5", 5353)): 2,
        Path(("10.96.0.11", 53), ("10.96.0.11", 53)): 1,
    }
