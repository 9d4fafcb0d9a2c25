"""The resolver of a node: what pods of dnsPolicy Default ask, coredns among them. Pure.

A name server on the machine's own loopback is none to a pod, whose loopback is its own: coredns would forward to
itself, notice, and end. Where systemd-resolved listens there, its other file names the servers it asks, and is taken
instead, as kubeadm does (cmd/kubeadm/app/componentconfigs/kubelet.go); what is left of loopback is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

FILE = Path("/etc/resolv.conf")
BEHIND_THE_STUB = Path("/run/systemd/resolve/resolv.conf")
"""The servers that systemd-resolved asks itself (systemd-resolved.service(8))."""


def of_node(own: str, behind: str, servers: Sequence[str] = ()) -> str:
    """Return a resolv.conf without loopback, made of the texts of `FILE` and `BEHIND_THE_STUB` ("" for none).

    `servers` take the place of the name servers in it, where there are any.
    """
    if servers:
        kept = [line for line in own.splitlines() if not parse(line)[0]]
        return "".join(f"{line}\n" for line in (*(f"nameserver {server}" for server in servers), *kept))
    stub = any(_is_here(server) for server in parse(own)[0])
    lines = (behind if stub and behind else own).splitlines()
    return "".join(f"{line}\n" for line in lines if not any(map(_is_here, parse(line)[0])))


def parse(text: str) -> tuple[list[str], list[str], dict[str, str | None]]:
    """Return the (name servers, search list, options) of the text of a resolv.conf (resolv.conf(5))."""
    servers: list[str] = []
    search: list[str] = []
    options: dict[str, str | None] = {}
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if words[:1] == ["nameserver"]:
            servers += words[1:2]
        elif words[:1] == ["search"]:
            search = words[1:]
        elif words[:1] == ["options"]:
            options |= {name: value or None for name, _, value in (w.partition(":") for w in words[1:])}
    return servers, search, options


def _is_here(server: str) -> bool:
    """Tell whether a name server is this machine itself: loopback, or the unspecified address, which means the same."""
    try:
        address = ip_address(server)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
