"""The iptables mode: kube-proxy's chains, by scripts that say only what differs. README.md explains it.

names.py     what chains are called, as kube-proxy's (pure)
layout.py    chains that all Services share, and what leads to them (pure)
rules.py     one route as rules (pure)
saved.py     what is there, read (pure)
ruleset.py   changes of the plan as scripts (pure)
family.py    the edge of one IP family
mode.py      both families together
"""

from __future__ import annotations

from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.iptables.mode import IptablesMode


def make(config: ModeConfig) -> IptablesMode:
    """Return the mode, acting on the network namespace of the thread that calls it."""
    return IptablesMode(config)
