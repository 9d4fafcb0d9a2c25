"""Streams: TCP and UDP ports of the node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """One port of the node, forwarded to a cluster IP.

    `decode` and `encode`: the PROXY protocol is spoken by the client, or to the Service.
    """

    port: int
    protocol: Literal["TCP", "UDP"]
    address: str
    target_port: int
    service: str
    decode: bool = False
    encode: bool = False
