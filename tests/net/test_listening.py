"""Sockets that wait for clients of either family."""

from __future__ import annotations

import socket

import pytest

from wherry.net.listening import datagrams, listen
from wherry.objects.family import Family


@pytest.mark.parametrize("host", ["", "::"])
@pytest.mark.parametrize("family", Family)
def test_everywhere_is_both_families(host: str, family: Family) -> None:
    with listen(host, 0) as tcp, datagrams(host, 0) as udp:
        socket.create_connection((family.loopback, tcp.getsockname()[1]), timeout=5).close()
        with socket.socket(family.number, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(b"?", (family.loopback, udp.getsockname()[1]))
            _, peer = udp.recvfrom(9)
            udp.sendto(b"!", peer)
            assert client.recv(9) == b"!"


@pytest.mark.parametrize("family", Family)
def test_an_address_is_that_alone(family: Family) -> None:
    with listen(family.loopback, 0) as tcp, datagrams(family.loopback, 0) as udp:
        assert tcp.getsockname()[0] == udp.getsockname()[0] == family.loopback
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((family.other.loopback, tcp.getsockname()[1]), timeout=5)


def test_a_taken_port_is_an_oserror() -> None:
    with datagrams("", 0) as taken, pytest.raises(OSError, match="in use"):
        datagrams("", taken.getsockname()[1])
