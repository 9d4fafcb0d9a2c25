"""The nftables mode: a table per IP family, all in maps, one rule per distinct endpoint count. README.md explains it.

layout.py      a table's fixed part, and the rules of numbered chains
names.py       keys, maps and numbered chains by name (pure)
slots.py       endpoints numbered without a gap (pure)
elements.py    one route as elements (pure)
ruleset.py     changes of the plan as transactions (pure)
affinities.py  which stored affinities a change leaves behind (pure)
table.py       the edge of one IP family
mode.py        both families together
"""

from __future__ import annotations

from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.nftables.mode import NftablesMode


def make(config: ModeConfig) -> NftablesMode:
    """Return the mode, acting on the network namespace of the thread that calls it."""
    return NftablesMode(config)
