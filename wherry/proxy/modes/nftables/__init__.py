"""The nftables mode: everything in maps, one rule per distinct endpoint count. README.md explains it.

layout.py     the table's fixed part
slots.py      endpoints numbered without a gap (pure)
elements.py   one route as elements (pure)
ruleset.py    changes of the plan as transactions (pure)
stale.py      which stored affinities and UDP flows a change leaves behind (pure)
mode.py       the edge: hands transactions to nft
"""

from __future__ import annotations

from wherry.net.nft import NftCommand
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.nftables.mode import NftablesMode


def make(config: ModeConfig) -> NftablesMode:
    """Return the mode, acting on the network namespace of the thread that calls it."""
    return NftablesMode(config, NftCommand())
