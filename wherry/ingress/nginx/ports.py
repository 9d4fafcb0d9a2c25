"""Ports of streams: whether nginx could listen there. `nginx -t` does not ask; a reload that fails only logs."""

from __future__ import annotations

import errno
import re
import socket
from typing import NamedTuple

from wherry.ingress.nginx.errors import ConfigRefused

TAKEN = "is taken by another program"


class Port(NamedTuple):
    """One `listen` of a stream."""

    number: int
    udp: bool
    ipv6: bool
    shared: bool


def stream_ports(conf: str) -> set[Port]:
    """Return the ports that the streams of a configuration listen on."""
    _, _, streams = conf.partition("\nstream {")
    found = re.findall(r"^ +listen (\[::\]:)?(\d+)( udp)?( reuseport)?(?: proxy_protocol)?;$", streams, re.MULTILINE)
    return {Port(int(number), bool(udp), bool(v6), bool(shared)) for v6, number, udp, shared in found}


def check(conf: str, in_force: str) -> None:
    """Raise `ConfigRefused` for a port of `conf` that is taken; those of the configuration in force are ours.

    So is that of https, which the streams take over where hosts are passed through.
    """
    for port in sorted(stream_ports(conf) - stream_ports(in_force)):
        if port.udp or port.number not in _http_ports(in_force):
            _check(port)


def _http_ports(conf: str) -> set[int]:
    before, _, _ = conf.partition("\nstream {")
    return {int(number) for number in re.findall(r"^ +listen (?:\[::\]:)?(\d+)[ ;]", before, re.MULTILINE)}


def _check(port: Port) -> None:
    family = socket.AF_INET6 if port.ipv6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if port.udp else socket.SOCK_STREAM) as probe:
        if not port.udp:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port.shared:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if port.ipv6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(("::" if port.ipv6 else "0.0.0.0", port.number))
        except OSError as error:
            kind = "UDP" if port.udp else "TCP"
            why = TAKEN if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
            raise ConfigRefused(f"{kind} port {port.number} {why}") from error
