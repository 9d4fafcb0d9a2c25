"""Connections that outlive their mode in this process: a proxy that becomes another mode's cuts nobody off."""

from __future__ import annotations

import asyncio

from wherry.proxy.modes.userspace.connections import Connections

_kept: list[tuple[asyncio.AbstractEventLoop, Connections]] = []


def keep(connections: Connections) -> None:
    """Let those that are open go on until they end; the event loop relays them."""
    _kept.append((asyncio.get_running_loop(), connections))


def living() -> list[Connections]:
    """Return those of this event loop of which some are open still, and forget the others."""
    _kept[:] = [(loop, held) for loop, held in _kept if len(held) and not loop.is_closed()]
    return [held for loop, held in _kept if loop is asyncio.get_running_loop()]
