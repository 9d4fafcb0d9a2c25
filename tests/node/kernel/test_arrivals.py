"""Who is sent connections, as the kernel tells."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Iterator

import pytest

from wherry.node.network.arrivals import Arrivals, Taken

pytestmark = pytest.mark.kernel

POD, SERVICE, OWN, CLIENT, PORT = "127.0.0.9", "127.96.0.1", "127.0.0.2", "127.0.0.3", 18080
RULES = f"""
table ip test-arrivals {{
    chain output {{
        type nat hook output priority -100;
        ip daddr {SERVICE} dnat to {POD}
    }}
}}
"""


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """Lead a Service's address to the pod's, as a proxy does."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
    with socket.create_server((POD, PORT)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((POD, PORT))
        yield
    subprocess.run(["nft", "delete", "table", "ip", "test-arrivals"], check=True)


async def connect(client: str, address: str, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(socket.AF_INET, kind) as own:
        own.bind((client, 0))
        own.connect((address, PORT))
        own.send(b"x")
        await asyncio.sleep(0.05)  # more would be heard of by then


async def come(taken: Taken, number: int) -> None:
    async with asyncio.timeout(5):
        while taken() < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert taken() == number


async def test_connections_and_datagrams_of_clients_count_and_probes_do_not() -> None:
    arrivals = Arrivals()
    with arrivals.at(POD) as taken, arrivals.at("127.0.0.10") as elsewhere:
        arrivals.leave_out_next(POD)
        await connect(OWN, POD)  # a probe
        await come(taken, 0)
        await connect(OWN, POD)  # a hostNetwork pod on this node has decided
        await come(taken, 1)
        await connect(CLIENT, POD)  # a proxy on another node has decided
        await come(taken, 2)
        await connect(CLIENT, SERVICE)
        await come(taken, 3)
        await connect(CLIENT, SERVICE, socket.SOCK_DGRAM)
        await come(taken, 4)
        assert not elsewhere()


async def test_it_counts_from_when_it_is_asked() -> None:
    arrivals = Arrivals()
    with arrivals.at(POD) as taken:
        await connect(CLIENT, POD)
        await come(taken, 1)
    await connect(CLIENT, POD)
    with arrivals.at(POD) as taken:
        assert taken() == 0
