"""How many queries a second one DNS process answers, with a client on the same machine.

The client keeps a fixed number of queries in flight over UDP on loopback, for a fixed time, from a process of its own.
The limit is the plain asyncio echo: the same client against a server that sends every datagram straight back.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import dns.message
import uvloop

from benchmarks.figures import line

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "dns"))
HOST = "127.0.0.1"
COREFILE = ".:53 {\n kubernetes cluster.local {\n  pods insecure\n  ttl 30\n }\n cache 30\n loadbalance\n}\n"
NAMES = ("mysql.demo.svc.cluster.local", "web.demo.svc.cluster.local", "none.demo.svc.cluster.local")
IN_FLIGHT = 64


def serve_dns(port: int, started: Callable[[], None]) -> None:
    """Run the server on the fake API until killed."""
    import cluster

    from wherry.dns.component import DnsConfig, Instance
    from wherry.dns.metrics import Metrics

    async def run() -> None:
        with TemporaryDirectory() as folder:
            corefile = Path(folder, "Corefile")
            corefile.write_text(COREFILE)
            client = await cluster.fake()
            await Instance(DnsConfig(corefile, HOST, port), lambda: client, Metrics(), lambda: None).start()
            await asyncio.sleep(0.2)
            started()
            await asyncio.Event().wait()

    uvloop.run(run())


def serve_echo(port: int, started: Callable[[], None]) -> None:
    """Send every datagram back."""

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data, addr)  # type: ignore[attr-defined]

    async def run() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(Echo, (HOST, port))
        started()
        await asyncio.Event().wait()

    uvloop.run(run())


def load(port: int, seconds: float) -> float:
    """Return answered queries per second, with `IN_FLIGHT` outstanding; an answer lost ends the run with an error."""
    queries = [dns.message.make_query(name, "A").to_wire() for name in NAMES]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((HOST, port))
        client.settimeout(2)
        for number in range(IN_FLIGHT):
            client.send(number.to_bytes(2, "big") + queries[number % len(queries)][2:])
        start, count = time.perf_counter(), 0
        while True:
            client.recv(4096)
            client.send(b"\0\0" + queries[count % len(queries)][2:])
            count += 1
            if count % 1000 == 0 and (passed := time.perf_counter() - start) > seconds:
                return count / passed


def measure(serve: Callable[[int, Callable[[], None]], None], port: int, seconds: float) -> float:
    """Start a server process, load it, end it."""
    started = multiprocessing.Event()
    process = multiprocessing.Process(target=serve, args=(port, started.set), daemon=True)
    process.start()
    try:
        if not started.wait(10):
            raise SystemExit("the server did not start")
        return load(port, seconds)
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Measure both in turn and print."""
    options = argparse.ArgumentParser(prog="scripts/bench dns", description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=2.0)
    given = options.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    echo, ours = [], []
    for _ in range(given.runs):
        echo.append(measure(serve_echo, port, given.seconds) / 1000)
        ours.append(measure(serve_dns, port, given.seconds) / 1000)
    middle = sorted(echo)[len(echo) // 2]
    print(line("echo, the ceiling", echo, "k queries/s"))
    print(line("wherry dns", ours, "k queries/s", limit=middle, peer="echo's"))


if __name__ == "__main__":
    main()
