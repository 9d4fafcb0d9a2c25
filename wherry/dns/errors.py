"""Why the DNS server cannot serve."""

from __future__ import annotations


class CorefileError(ValueError):
    """The Corefile cannot be used; the message gives the line and what is wrong there."""


class LoopError(Exception):
    """What we forward comes back to us."""
