"""Links, addresses and routes of one network namespace, through netlink (rtnetlink(7)) with pyroute2.

Every call is level-triggered: what is there already is left alone. Calls block for about a millisecond each:
never call them from an event loop's thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from wherry.net.sysctls import sysctl
from wherry.objects.family import Family, family_of

RTPROT_STATIC = 4  # linux/rtnetlink.h: an administrator's
IFA_F_NODAD = 0x02  # linux/if_addr.h
IFA_F_NOPREFIXROUTE = 0x200


class LinkError(OSError):
    """The kernel refused a link, an address or a route; says which."""


class Links:
    """The links of the namespace the calling thread is in: make and use it on that one thread.

    pyroute2 opens its socket at the first call, so a `Links` made in one namespace and used in another acts on the
    other: wrap all of the work in `namespaces.run(path, function)`. A context manager.
    """

    def __init__(self) -> None:
        self._ipr: Any = IPRoute()

    def __enter__(self) -> Links:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ipr.close()

    def index(self, name: str) -> int | None:
        """Return the interface index of `name`, or None."""
        found = self._ipr.link_lookup(ifname=name)
        return int(found[0]) if found else None

    def up(self, name: str) -> None:
        """Bring `name` up."""
        self._ipr.link("set", index=self._index(name), state="up")

    def down(self, name: str) -> None:
        """Take `name` down."""
        self._ipr.link("set", index=self._index(name), state="down")

    def loopback_up(self) -> None:
        """Bring `lo` up, which a new namespace has down."""
        self.up("lo")

    def bridge(self, name: str) -> None:
        """Make a bridge, up."""
        if self.index(name) is None:
            self._do(f"bridge {name}", self._ipr.link, "add", ifname=name, kind="bridge", br_stp_state=0)
        self.up(name)

    def veth(self, name: str, peer: str, peer_namespace: Path, *, mac: str | None = None) -> None:
        """Make a veth pair: `name` here, `peer` in `peer_namespace`. Both are left down."""
        fd = os.open(peer_namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            peer_args: dict[str, Any] = {"ifname": peer, "net_ns_fd": fd}
            if mac:
                peer_args["address"] = mac
            self._do(f"veth {name}", self._ipr.link, "add", ifname=name, kind="veth", peer=peer_args)
        finally:
            os.close(fd)

    def attach(self, name: str, bridge: str) -> None:
        """Make `name` a port of `bridge`."""
        self._ipr.link("set", index=self._index(name), master=self._index(bridge))

    def delete(self, name: str) -> None:
        """Delete a link, its peer with it; no error if there is none."""
        index = self.index(name)
        if index is not None:
            self._do(f"delete {name}", self._ipr.link, "del", index=index, ignore=(errno.ENODEV,))

    def names(self) -> set[str]:
        """Return the names of all links."""
        return {link.get_attr("IFLA_IFNAME") for link in self._ipr.get_links()}

    def address(self, name: str, address: str, prefix_length: int, *, prefix_route: bool = True) -> None:
        """Give `name` an address; without `prefix_route` the kernel adds no route for its subnet.

        An IPv6 address serves at once: who has which is decided here, so the kernel need not ask around for a second.
        """
        flags = 0 if prefix_route else IFA_F_NOPREFIXROUTE
        if family_of(address) is Family.V6:
            flags |= IFA_F_NODAD
        self._do(
            f"address {address}/{prefix_length} on {name}",
            self._ipr.addr,
            "add",
            index=self._index(name),
            address=address,
            prefixlen=prefix_length,
            ignore=(errno.EEXIST,),
            **({"flags": flags} if flags else {}),
        )

    def route(
        self,
        destination: str,
        *,
        via: str | None = None,
        link: str | None = None,
        source: str | None = None,
        protocol: int = RTPROT_STATIC,
    ) -> None:
        """Set the route to `destination` (a CIDR): through a gateway, straight out of a link, or both.

        `protocol` says whose the route is (rtnetlink(7)); `routes` finds it again by that.
        """
        args: dict[str, Any] = {"dst": destination, "family": family_of(destination).number, "proto": protocol}
        if via:
            args["gateway"] = via
        if link:
            args["oif"] = self._index(link)
        if link and not via:
            args["scope"] = 253  # RT_SCOPE_LINK
        if source:
            args["prefsrc"] = source
        self._do(f"route {destination}", self._ipr.route, "replace", **args)

    def unreachable(self, destination: str) -> None:
        """Refuse packets to `destination` (a CIDR) that no longer route takes."""
        args: dict[str, Any] = {"dst": destination, "family": family_of(destination).number, "type": "unreachable"}
        self._do(f"unreachable {destination}", self._ipr.route, "replace", **args)

    def delete_route(self, destination: str) -> None:
        """Delete the route to `destination`; no error if there is none."""
        # RT_SCOPE_NOWHERE matches a route of any scope
        args: dict[str, Any] = {"dst": destination, "family": family_of(destination).number, "scope": 255}
        self._do(f"delete route {destination}", self._ipr.route, "del", ignore=(errno.ESRCH,), **args)

    def routes(self, protocol: int) -> dict[str, str | None]:
        """Return the main table's unicast routes of one `protocol`: CIDR -> gateway (None for a direct route)."""
        return {cidr: via for family in Family for cidr, via in self._routes(family, protocol)}

    def _routes(self, family: Family, protocol: int) -> Iterator[tuple[str, str | None]]:
        for route in self._ipr.get_routes(family=family.number, table=254, type=1, proto=protocol):
            destination = route.get_attr("RTA_DST") or family.any
            yield f"{destination}/{route['dst_len']}", route.get_attr("RTA_GATEWAY")

    def _index(self, name: str) -> int:
        index = self.index(name)
        if index is None:
            raise LinkError(errno.ENODEV, f"there is no link {name} in this namespace")
        return index

    def _do(self, what: str, call: Any, *args: Any, ignore: Iterable[int] = (), **kwargs: Any) -> None:
        try:
            call(*args, **kwargs)
        except NetlinkError as error:
            if error.code not in tuple(ignore):
                raise LinkError(error.code, f"{what}: {os.strerror(error.code)}") from error


def forward(families: Iterable[Family]) -> None:
    """Make the calling thread's namespace a router of these families."""
    for family in families:
        sysctl("net/ipv4/ip_forward" if family is Family.V4 else "net/ipv6/conf/all/forwarding", "1")


def addresses_at_once(link: str) -> None:
    """Let IPv6 addresses of `link` ("default": of those to come) serve as soon as it is up, its own link-local one too.

    Otherwise the kernel first asks around for a second who else has them (RFC 4862 section 5.4), and drops meanwhile
    what would need them. A kernel without IPv6 has nothing to set.
    """
    with contextlib.suppress(FileNotFoundError):
        sysctl(f"net/ipv6/conf/{link}/accept_dad", "0")
