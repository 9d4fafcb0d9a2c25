"""Connection tracking: the kernel's list of flows, read and cut through ctnetlink with pyroute2.

Calls block: never make them from an event loop's thread. They act on the namespace of the calling thread.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from pyroute2 import NFCTSocket
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple


class ConntrackError(OSError):
    """The kernel refused to list or delete flows."""


class Flow(NamedTuple):
    """An IPv4 UDP flow: what the client addressed (`destination`), and who answers it (`answerer`): (address, port)."""

    source: tuple[str, int]
    destination: tuple[str, int]
    answerer: tuple[str, int]


def delete_udp_flows(stale: Callable[[Flow], bool]) -> int:
    """Delete every IPv4 UDP flow that `stale` tells to; return how many there were. Raises `ConntrackError`."""
    deleted = 0
    try:
        with NFCTSocket() as ct:
            flows = [_flow(m) for m in ct.dump(tuple_orig=NFCTAttrTuple(proto=socket.IPPROTO_UDP))]
            for flow in filter(stale, flows):
                deleted += _delete(ct, flow)
    except NetlinkError as error:
        raise ConntrackError(error.code, f"conntrack: {error}") from error
    return deleted


def _delete(ct: Any, flow: Flow) -> bool:
    (saddr, sport), (daddr, dport) = flow.source, flow.destination
    proto = socket.IPPROTO_UDP
    try:
        ct.entry("del", tuple_orig=NFCTAttrTuple(saddr=saddr, daddr=daddr, proto=proto, sport=sport, dport=dport))
    except NetlinkError as error:
        if error.code == errno.ENOENT:  # it ended by itself meanwhile
            return False
        raise
    return True


def _flow(message: Any) -> Flow:
    original = NFCTAttrTuple.from_netlink(socket.AF_INET, message.get_attr("CTA_TUPLE_ORIG"))
    reply = NFCTAttrTuple.from_netlink(socket.AF_INET, message.get_attr("CTA_TUPLE_REPLY"))
    return Flow((original.saddr, original.sport), (original.daddr, original.dport), (reply.saddr, reply.sport))
