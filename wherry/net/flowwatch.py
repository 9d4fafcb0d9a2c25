"""Notices new flows: connections that are made, first packets of UDP, after the kernel has decided where they go.

The kernel tells a netlink group of every flow that connection tracking begins (nfnetlink_conntrack.h), in a namespace
where something uses connection tracking.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from wherry.net.nfnetlink.listening import listening
from wherry.net.nfnetlink.wire import attributes, messages

NFNLGRP_CONNTRACK_NEW = 1
NEW_FLOW = 1 << 8 | 0  # NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW
REPLY = 2  # CTA_TUPLE_REPLY
TUPLE_ADDRESSES = 1  # CTA_TUPLE_IP
SOURCES = (1, 3)  # CTA_IP_V4_SRC, CTA_IP_V6_SRC


def watch(began: Callable[[str], None], lost: Callable[[], None]) -> AbstractContextManager[None]:
    """Call `began` with who answers every new flow in the calling thread's namespace, `lost` when some were missed.

    Raises OSError.
    """

    def heard(data: bytes) -> None:
        for answerer in new_flows(data):
            began(answerer)

    return listening(NFNLGRP_CONNTRACK_NEW, heard, lost)


def new_flows(data: bytes) -> Iterator[str]:
    """Yield the addresses that answer the flows that the messages in `data` tell of."""
    for message in messages(data):
        if message.kind != NEW_FLOW:
            continue
        answer = dict(attributes(dict(attributes(message.body)).get(REPLY, b"")))
        addresses = dict(attributes(answer.get(TUPLE_ADDRESSES, b"")))
        source = next((addresses[kind] for kind in SOURCES if kind in addresses), b"")
        if len(source) in (4, 16):
            yield str(ipaddress.ip_address(source))
