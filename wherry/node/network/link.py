"""The link between a pod and its node: a veth pair, routed.

    pod                                    node
    eth0 10.244.1.7/32 ────────────────── vethXXXXXXXX 10.244.1.1/32
    default via 10.244.1.1 dev eth0        10.244.1.7 dev vethXXXXXXXX

IPv6 alike, with /128, beside it or alone. There is no bridge: every packet of a pod passes the node's netfilter hooks
once, as routed traffic; with an IPv4 address that is another's it gets no further. Calls block for a few milliseconds,
and act on the namespace the calling thread is in (the node's).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wherry.net import namespaces
from wherry.net.links import Links, addresses_at_once
from wherry.net.sysctls import sysctl
from wherry.objects.family import Family, family_of

POD_LINK = "eth0"


def name(uid: str) -> str:
    """Return the name of the node's end for a pod (at most 15 characters)."""
    return "veth" + hashlib.sha256(uid.encode()).hexdigest()[:8]


class Ends(NamedTuple):
    """What a link has in one family: the pod's `address`, and the node's, which is the pod's gateway."""

    address: str
    gateway: str

    @property
    def family(self) -> Family:
        """The family of both."""
        return family_of(self.address)


def attach(namespace: Path, uid: str, ends: Sequence[Ends], *, from_loopback: bool = False) -> None:
    """Connect the pod's namespace to the node; what is there already is left alone. Raises LinkError, OSError.

    `from_loopback`: packets from the node's 127.0.0.1 may pass; whoever asks for that sees to their address.
    """
    with Links() as links:
        if links.index(name(uid)) is None:
            links.veth(name(uid), POD_LINK, namespace)
        addresses_at_once(name(uid))
        for end in ends:
            links.address(name(uid), end.gateway, end.family.bits)
        links.up(name(uid))
        for end in ends:
            links.route(end.family.alone(end.address), link=name(uid))
    if any(end.family is Family.V4 for end in ends):  # for IPv6 the kernel has no such settings
        sysctl(f"net/ipv4/conf/{name(uid)}/rp_filter", "1")  # what comes with another's address is dropped (RFC 3704)
        if from_loopback:
            sysctl(f"net/ipv4/conf/{name(uid)}/route_localnet", "1")
    namespaces.run(namespace, _configure, ends)


OPEN = {"net/ipv4/ip_unprivileged_port_start": "0", "net/ipv4/ping_group_range": "0 2147483647"}
"""What users other than root may do in a pod's own network: listen on any port, and ping. As containerd has it
(`enable_unprivileged_ports`, `enable_unprivileged_icmp`: internal/cri/server/sandbox_run_linux.go)."""


def _configure(ends: Sequence[Ends]) -> None:
    for setting, value in OPEN.items():
        sysctl(setting, value)
    with Links() as links:
        links.loopback_up()
        addresses_at_once(POD_LINK)
        for end in ends:
            links.address(POD_LINK, end.address, end.family.bits)
        links.up(POD_LINK)
        for end in ends:
            links.route(end.family.alone(end.gateway), link=POD_LINK)
            links.route(end.family.everywhere, via=end.gateway, link=POD_LINK)


def detach(uid: str) -> None:
    """Remove the pair, its addresses and routes with it; no error if there is none."""
    with Links() as links:
        links.delete(name(uid))
