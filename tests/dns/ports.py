"""Ports to listen on."""

from tests.freeports import free_port

HOST = "127.0.0.1"

__all__ = ["HOST", "free_port"]
