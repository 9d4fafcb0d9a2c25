"""Sockets that wait for clients, by address and port, in either family."""

from __future__ import annotations

import socket

from wherry.objects.family import Family, family_of

EVERYWHERE = ("", Family.V6.any)
"""Every address of both families, as a server in Go takes them; on a kernel without IPv6, every IPv4 address."""

BACKLOG = 1024
"""Connections that may wait, such as while a process is started again."""


def listen(host: str, port: int, backlog: int = BACKLOG) -> socket.socket:
    """Return a TCP socket that listens on `host`, an address or one of `EVERYWHERE`; raises OSError."""
    if host in EVERYWHERE and socket.has_dualstack_ipv6():
        both = (Family.V6.any, port)
        return socket.create_server(both, family=socket.AF_INET6, backlog=backlog, dualstack_ipv6=True)
    address = (host or Family.V4.any, port)
    return socket.create_server(address, family=family_of(host).number, backlog=backlog)


def datagrams(host: str, port: int) -> socket.socket:
    """Return a UDP socket bound to `host`, as `listen` takes it; raises OSError."""
    both = host in EVERYWHERE and socket.has_dualstack_ipv6()
    made = socket.socket(socket.AF_INET6 if both else family_of(host).number, socket.SOCK_DGRAM)
    try:
        if both:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.bind((Family.V6.any if both else host or Family.V4.any, port))
    except OSError:
        made.close()
        raise
    return made
