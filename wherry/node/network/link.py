"""The link between a pod and its node: a veth pair, routed.

    pod                                    node
    eth0 10.244.1.7/32 ────────────────── vethXXXXXXXX 10.244.1.1/32
    default via 10.244.1.1 dev eth0        10.244.1.7 dev vethXXXXXXXX

IPv6 alike, with /128. There is no bridge: every packet of a pod passes the node's netfilter hooks once, as routed
traffic; with an IPv4 address that is another's it gets no further. Calls block for a few milliseconds, and act on the
namespace the calling thread is in (the node's).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from wherry.net import namespaces
from wherry.net.links import Links, addresses_at_once
from wherry.net.sysctls import sysctl
from wherry.objects.family import Family, family_of

POD_LINK = "eth0"


def name(uid: str) -> str:
    """Return the name of the node's end for a pod (at most 15 characters)."""
    return "veth" + hashlib.sha256(uid.encode()).hexdigest()[:8]


def attach(namespace: Path, uid: str, address: str, gateway: str, *, from_loopback: bool = False) -> None:
    """Connect the pod's namespace to the node; what is there already is left alone. Raises LinkError, OSError.

    `from_loopback`: packets from the node's 127.0.0.1 may pass; whoever asks for that sees to their address.
    """
    with Links() as links:
        if links.index(name(uid)) is None:
            links.veth(name(uid), POD_LINK, namespace)
        family = family_of(address)
        addresses_at_once(name(uid))
        links.address(name(uid), gateway, family.bits)
        links.up(name(uid))
        links.route(family.alone(address), link=name(uid))
    if family is Family.V4:  # for IPv6 the kernel has no such setting
        sysctl(f"net/ipv4/conf/{name(uid)}/rp_filter", "1")  # what comes with another's address is dropped (RFC 3704)
    if from_loopback and family is Family.V4:
        sysctl(f"net/ipv4/conf/{name(uid)}/route_localnet", "1")
    namespaces.run(namespace, _configure, address, gateway)


OPEN = {"net/ipv4/ip_unprivileged_port_start": "0", "net/ipv4/ping_group_range": "0 2147483647"}
"""What users other than root may do in a pod's own network: listen on any port, and ping. As containerd has it
(`enable_unprivileged_ports`, `enable_unprivileged_icmp`: internal/cri/server/sandbox_run_linux.go)."""


def _configure(address: str, gateway: str) -> None:
    for setting, value in OPEN.items():
        sysctl(setting, value)
    family = family_of(address)
    with Links() as links:
        links.loopback_up()
        addresses_at_once(POD_LINK)
        links.address(POD_LINK, address, family.bits)
        links.up(POD_LINK)
        links.route(family.alone(gateway), link=POD_LINK)
        links.route(family.everywhere, via=gateway, link=POD_LINK)


def detach(uid: str) -> None:
    """Remove the pair, its addresses and routes with it; no error if there is none."""
    with Links() as links:
        links.delete(name(uid))
