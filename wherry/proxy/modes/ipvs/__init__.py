"""The ipvs mode: the kernel's load balancer, and the iptables mode for what that cannot do. README.md explains it.

names.py     what sets, chains and the link are called (pure)
share.py     which routes are IPVS's (pure)
layout.py    the shared chains, with what lets IPVS have its packets (pure)
members.py   one route as members of sets (pure)
sets.py      changes of the plan as scripts of ipset (pure)
servers.py   changes of the plan as virtual servers; endpoints that drain (pure)
kernel.py    the edge: IPVS, its addresses and what the kernel has to be told
mode.py      all of it together
"""

from __future__ import annotations

from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.ipvs.mode import IpvsMode


def make(config: ModeConfig) -> IpvsMode:
    """Return the mode, acting on the network namespace of the thread that calls it."""
    return IpvsMode(config)
