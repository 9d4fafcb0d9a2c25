"""Servers: one host with its paths."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.ingress.features.part import Part
from wherry.ingress.route.location import Location

CATCH_ALL = "_"
"""The host of requests no other server takes."""


@dataclass(frozen=True, slots=True)
class Server:
    """One host. `tls`: whether it has TLS. The locations always include `/`; `parts` are the host's own features."""

    host: str
    tls: bool
    locations: tuple[Location, ...]
    parts: tuple[Part, ...] = ()
    aliases: tuple[str, ...] = ()
    led_here: str = ""
    """A name that is answered with a redirect to this host."""
    deep: bool = False
    """Whether a wildcard stands for any number of labels, as in Gateway API, and not for one, as in an Ingress."""
