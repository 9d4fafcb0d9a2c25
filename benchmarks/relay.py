"""What the userspace mode relays, on loopback: Gbit/s of one connection and of several, connections a second.

`scripts/bench relay`, or the end of `scripts/bench proxy`; no privilege. Client, proxy and server are a process each
and share the cores; without the proxy they are measured too. What a second of the proxy's CPU does stays the same on a
busy machine. Bytes are made and thrown away in the kernel, so that the
figures are the proxy's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.figures import line
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig
from wherry.proxy.modes.userspace.mode import UserspaceMode
from wherry.proxy.plan import Frontend, Kind, Plan, Route
from wherry.proxy.service import ServicePortName
from wherry.proxy.topology import Choice

HERE = "127.0.0.1"
AIM = 5.0
"""Gbit/s that one connection is to carry."""
SECONDS = 2.0
RUNS = 3
CALLERS = 16

fork = multiprocessing.get_context("fork")


def throw_away(listening: socket.socket) -> None:
    """Take what connections bring, and answer a byte at their end."""

    def take(connection: socket.socket) -> None:
        held = bytearray(1 << 20)
        with connection:
            while connection.recv_into(held, len(held), socket.MSG_TRUNC):
                pass
            connection.send(b".")

    while True:
        threading.Thread(target=take, args=(listening.accept()[0],), daemon=True).start()


def answer(listening: socket.socket) -> None:
    """Answer each connection with a byte and end it."""
    while True:
        with listening.accept()[0] as connection:
            connection.send(b".")


def serve(routes: Plan) -> None:
    """Be the proxy."""

    async def main() -> None:
        mode = UserspaceMode(ModeConfig(), privileged=False)
        async with mode.at_work(lambda: None):
            await mode.load(routes)
            await asyncio.get_running_loop().create_future()

    uvloop.run(main())


@contextmanager
def running(work: Callable[..., None], *args: object) -> Iterator[int]:
    """Have it done by another process meanwhile; its id."""
    process = fork.Process(target=work, args=args)
    process.start()
    try:
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join()


def push(port: int, connections: int) -> float:
    """Return Gbit/s of so many connections together."""
    blob = os.memfd_create("bytes")
    os.truncate(blob, 1 << 30)
    sent = [0] * connections
    until = time.perf_counter() + SECONDS

    def one(which: int) -> None:
        with socket.create_connection((HERE, port)) as connection:
            while time.perf_counter() < until:
                sent[which] += os.sendfile(connection.fileno(), blob, 0, 1 << 20)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    started = time.perf_counter()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(blob)
    return sum(sent) * 8 / 1e9 / (time.perf_counter() - started)


def call(port: int) -> float:
    """Return connections a second, each opened, answered and closed."""
    until, started = time.perf_counter() + SECONDS, time.perf_counter()
    counts = [0] * CALLERS

    def one(which: int) -> None:
        while time.perf_counter() < until:
            with socket.create_connection((HERE, port)) as connection:
                assert connection.recv(1) == b"."
            counts[which] += 1

    threads = [threading.Thread(target=one, args=(i,)) for i in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def spent(process: int) -> float:
    """Return how many seconds of CPU a process has had (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def route(port: int, to: int) -> Route:
    """Return a route from one port here to another."""
    name = ServicePortName("bench", f"s{port}", "")
    return Route(Frontend(HERE, "TCP", port), Kind.NodePort, name, Choice((Endpoint(HERE, to),)))


def main() -> None:
    """Measure with the proxy and without."""
    sink, quick = (socket.create_server((HERE, 0), backlog=4096) for _ in range(2))
    sink_port, quick_port = sink.getsockname()[1], quick.getsockname()[1]
    routes = [route(30090, sink_port), route(30091, quick_port)]
    plan = Plan({r.frontend: r for r in routes})
    with running(throw_away, sink), running(answer, quick), running(serve, plan) as proxy:
        wait_for(30091)
        for connections in (1, 8):
            direct = [push(sink_port, connections) for _ in range(RUNS)]
            before = spent(proxy)
            relayed = [push(30090, connections) for _ in range(RUNS)]
            of_cpu = sum(relayed) * SECONDS / (spent(proxy) - before)
            print(line(f"{connections} connections, direct", direct, "Gbit/s"))
            print(line(f"{connections} connections, relayed", relayed, "Gbit/s", limit=AIM, peer="aim"))
            print(f"  {of_cpu:.1f} Gbit a second of the proxy's CPU")
        direct = [call(quick_port) for _ in range(RUNS)]
        print(line("connections a second, direct", direct, ""))
        before = spent(proxy)
        relayed = [call(30091) for _ in range(RUNS)]
        of_cpu = sum(relayed) * SECONDS / (spent(proxy) - before)
        print(line("connections a second, relayed", relayed, ""))
        print(f"  {of_cpu:.0f} a second of the proxy's CPU")


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    while True:
        try:
            socket.create_connection((HERE, port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return


if __name__ == "__main__":
    main()
