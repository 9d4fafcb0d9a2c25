"""Ports to listen on."""

import contextlib
import random
import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port nobody listens on, of those the kernel gives to no client meanwhile (ip_local_port_range)."""
    while True:
        port = random.randrange(10_000, 32_768)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
