"""hostPort: a port of the node that leads to a pod of it, by destination NAT in a table of the node agent's own.

    to the node's address, port 8080 ── dispatch ──▶ dnat to 10.244.1.7 port 80

A client keeps its address, but for two: a pod that reaches itself, whose answer would otherwise not come back through
the node; and the node at its own 127.0.0.1, an address that means another machine once it has left this one. The
latter also needs `route_localnet` on the pod's link (`link.attach`), and `guard`, so that nobody but the node gets at
its loopback that way (CVE-2020-8558). IPv6 has no such setting: ::1 is never led on. Source of the rules: the CNI
plugin portmap.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wherry.net.conntrack import ConntrackError, Path, delete_udp_flows
from wherry.net.nft import Nft
from wherry.objects import Object
from wherry.objects.family import Family, canonical, family_of, parsed
from wherry.objects.meaning.pods import lasting_containers
from wherry.objects.meaning.services import PROTOCOLS, is_port, protocol

log = logging.getLogger(__name__)

ANY_ADDRESS = ("", *(family.any for family in Family))

# Before kube-proxy's (-100 and 100), as a port map on the node itself would be.
RULES = """
\tset hairpin {{
\t\ttype {address} . {address}
{hairpin}\t}}
\tmap any-address {{
\t\ttype inet_proto . inet_service : {address} . inet_service
{any_address}\t}}
\tmap one-address {{
\t\ttype {address} . inet_proto . inet_service : {address} . inet_service
{one_address}\t}}
\tchain guard {{
\t\ttype filter hook prerouting priority -300;
\t\tiifname != "lo" {ip} daddr {loopbacks} drop
\t}}
\tchain dispatch {{
\t\tdnat to {ip} daddr . meta l4proto . th dport map @one-address
\t\tfib daddr type local dnat to meta l4proto . th dport map @any-address
\t}}
\tchain prerouting {{
\t\ttype nat hook prerouting priority -101;
\t\tgoto dispatch
\t}}
\tchain output {{
\t\ttype nat hook output priority -101;
\t\tgoto dispatch
\t}}
\tchain postrouting {{
\t\ttype nat hook postrouting priority 99;
\t\tct status dnat {ip} saddr . {ip} daddr @hairpin masquerade
\t\tct status dnat {ip} saddr {loopbacks} masquerade
\t}}
"""


class HostPort(NamedTuple):
    """A port of the node, on one of its addresses or ("") on all, and where it leads."""

    address: str
    protocol: str
    port: int
    pod_ip: str
    pod_port: int

    @property
    def is_possible(self) -> bool:
        """Whether address and pod are of one family: no packet changes its family on the way."""
        return not self.address or family_of(self.address) is family_of(self.pod_ip)


def of_pod(pod: Object, ips: Sequence[str]) -> list[HostPort]:
    """Return the host ports of a pod with addresses `ips`; a hostNetwork pod's ports are the node's anyway. Pure."""
    if pod["spec"].get("hostNetwork"):
        return []
    return [
        HostPort(
            "" if (port.get("hostIP") or "") in ANY_ADDRESS else canonical(port["hostIP"]),
            protocol(port).lower(),
            port["hostPort"],
            ip,
            port["containerPort"],
        )
        for container in lasting_containers(pod["spec"])
        for port in container.get("ports") or ()
        if _is_usable(port)
        for ip in ips
    ]


def _is_usable(port: Object) -> bool:
    """Return whether a port can be led on: what nft refuses of one pod would keep every other's ports away."""
    address = port.get("hostIP") or ""
    numbers = is_port(port.get("hostPort")) and is_port(port.get("containerPort"))
    return numbers and protocol(port) in PROTOCOLS and (address in ANY_ADDRESS or parsed(address) is not None)


def script(ports: Iterable[HostPort], family: Family) -> str:
    """Return the nft script that makes a family's table lead exactly `ports` on; without any there is none. Pure."""
    table = f"{family.nft} wherry-host-ports"
    # `add` before `delete`, so that there is something to delete the first time.
    fresh = f"add table {table}\ndelete table {table}\n"
    ports = [p for p in ports if family_of(p.pod_ip) is family and p.is_possible]
    if not ports:
        return fresh
    everywhere = {f"{p.protocol} . {p.port}": f"{p.pod_ip} . {p.pod_port}" for p in ports if not p.address}
    somewhere = {f"{p.address} . {p.protocol} . {p.port}": f"{p.pod_ip} . {p.pod_port}" for p in ports if p.address}
    rules = RULES.format(
        ip=family.nft,
        address=family.nft_address,
        loopbacks=family.loopbacks,
        hairpin=_elements({f"{p.pod_ip} . {p.pod_ip}" for p in ports}),
        any_address=_elements(f"{key} : {target}" for key, target in everywhere.items()),
        one_address=_elements(f"{key} : {target}" for key, target in somewhere.items()),
    )
    return f"{fresh}table {table} {{{rules}}}\n"


def _elements(texts: Iterable[str]) -> str:
    listed = ", ".join(sorted(texts))
    return f"\t\telements = {{ {listed} }}\n" if listed else ""


def is_stale(flow: Path, ports: Sequence[HostPort], nodes: Sequence[str]) -> bool:
    """Tell whether a UDP flow to a host port, of a node at `nodes`, goes on to what was there before. Pure."""
    address, number = flow.destination
    family = family_of(address)
    ours = [p for p in ports if (p.protocol, p.port) == ("udp", number) and family_of(p.pod_ip) is family]
    here = {p.address: (p.pod_ip, p.pod_port) for p in ours}
    target = here.get(address) or (here.get("") if address in (*nodes, family.loopback) else None)
    return target is not None and flow.answerer != target


class HostPorts:
    """Keeps the tables as `wanted` says, which may block. `nft` acts on the network of the node at `addresses`."""

    def __init__(self, nft: Nft, addresses: Sequence[str], wanted: Callable[[], Sequence[HostPort]]):
        self._nft = nft
        self._addresses = addresses
        self._families = [family_of(address) for address in addresses]
        self._wanted = wanted
        self._lock = asyncio.Lock()

    async def sync(self) -> None:
        """Lead exactly the wanted ports on; raises NftError."""
        async with self._lock:
            ports = await asyncio.to_thread(self._wanted)
            for family in self._families:
                await self._nft.run(script(ports, family))
            if any(port.protocol == "udp" for port in ports):
                await self._cut(ports)

    async def _cut(self, ports: Sequence[HostPort]) -> None:
        """End the UDP flows that would go on to a pod that is gone: a client that keeps its port keeps its flow."""
        try:
            for family in self._families:
                await delete_udp_flows(lambda flow: is_stale(flow, ports, self._addresses), family)
        except ConntrackError as error:
            log.warning("old flows to host ports go on until they time out: %s", error)
