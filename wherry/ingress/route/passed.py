"""Hosts whose TLS is not ended here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Passed:
    """The names of one host, wildcards among them, whose connections go to a cluster IP and port of `service`."""

    names: tuple[str, ...]
    address: str
    port: int
    service: str
