"""Ports for processes that are told where to listen."""

from __future__ import annotations

import contextlib
import random
import socket


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port nobody listens on, of those the kernel gives to no client meanwhile (ip_local_port_range)."""
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((address, port))
            return port
