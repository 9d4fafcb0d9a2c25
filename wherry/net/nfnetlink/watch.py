"""Hears of changes that others make to a table: `nft flush ruleset`, a firewall's restart, a hand that slips.

The kernel tells a netlink group of every change of nftables, and by whose socket it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from wherry.net.nfnetlink.listening import listening
from wherry.net.nfnetlink.wire import NFTABLES, attributes, messages, name

NFNLGRP_NFTABLES = 7
SUBSYSTEM = 0xFF00
GENERATION = NFTABLES | 15
TABLE = 1  # the attribute of its name, in a message about whatever is in it


class Watch:
    """Calls `changed` when one of `tables` ("family name") may have been changed by another.

    `ours` tells whether a netlink port is of a socket of our own, or of an nft we started. "May": the kernel drops
    messages when too many come at once, a large transaction of our own for one, and then it is called too.
    """

    def __init__(self, tables: Collection[str], ours: Callable[[int], bool], changed: Callable[[], None]):
        self._tables = tables
        self._ours = ours
        self._changed = changed

    def listening(self) -> AbstractContextManager[None]:
        """Listen in the calling thread's network namespace. Raises OSError."""
        return listening(NFNLGRP_NFTABLES, self._heard, self._changed)

    def concerned(self, data: bytes) -> bool:
        """Return whether a datagram tells of a change another made to a table that is watched."""
        for message in messages(data):
            if self._ours(message.port):
                return False  # one datagram is of one transaction
            if message.kind & SUBSYSTEM == NFTABLES and message.kind != GENERATION:
                label = next((content for kind, content in attributes(message.body) if kind == TABLE), b"")
                if f"{message.family} {name(label)}" in self._tables:
                    return True
        return False

    def _heard(self, data: bytes) -> None:
        if self.concerned(data):
            self._changed()
