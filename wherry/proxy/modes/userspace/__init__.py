"""The userspace mode: connections end in the proxy, which makes another to an endpoint. README.md explains it.

names.py        the proxy's own addresses and tables (pure)
redirects.py    routes that lead to the proxy (pure)
layout.py       the nftables mode's table, under another name and with a guard (pure)
balancer.py     in which order a client is offered endpoints; affinity (pure)
sources.py      who is a pod or this node
limits.py       how many files the proxy may have open
flow.py         bytes from one socket to another, spliced
dial.py         a connection to the first endpoint that takes it
connections.py  TCP: accepted, connected, relayed
living.py       connections that outlive the mode
sessions.py     UDP: a client's datagrams and their answers
relay.py        all of that, told of routes
redirection.py  the way in with privilege: nftables leads to the proxy
binding.py      the way in without: what can be bound
mode.py         one of the two, and the end
"""

from __future__ import annotations

from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.userspace.mode import UserspaceMode


def make(config: ModeConfig) -> UserspaceMode:
    """Return the mode, acting on the network namespace of the thread that calls it."""
    return UserspaceMode(config)
