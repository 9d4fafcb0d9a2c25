"""The nftables mode's table under a name of its own, with a guard before the proxy's address."""

from __future__ import annotations

from wherry.proxy.modes.nftables.layout import Layout
from wherry.proxy.modes.userspace.names import DOORS, TABLE


class RedirectLayout(Layout):
    """The fixed part for one family and configuration."""

    __slots__ = ()

    @property
    def table(self) -> str:
        """The table beside which the nftables mode's may be, while one takes over from the other."""
        return f"{self.family.nft} {TABLE}"

    @property
    def chains(self) -> dict[str, list[str]]:
        """Its chains, and one that lets nobody in who was not led there: source ranges would not hold for him."""
        return {
            **Layout.chains.__get__(self),
            "guard": [
                "type filter hook input priority filter; policy accept;",
                f"{self.family.nft} daddr {DOORS[self.family]} ct status ! dnat drop",
            ],
        }
