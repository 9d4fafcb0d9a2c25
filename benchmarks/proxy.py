"""How long Services take to get into the kernel in nftables mode: all of them at a start, and one that changes.

`scripts/bench proxy [SERVICES …]`, root; works in a network namespace of its own, and then relays on loopback
(relay.py). Every Service has 5 endpoints. A change is one endpoint becoming unready, from the EndpointSlice to the
kernel; the limit beside it is a transaction that deletes the only element of a table: most of it is the kernel waiting
for its readers before it lets go of the element.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from benchmarks import relay
from benchmarks.figures import line
from tests.proxy.build import CLUSTER_CIDR, NODE, SERVICE_CIDR, endpoint, endpoint_slice, service
from wherry.net import namespaces
from wherry.net.nft import NftCommand
from wherry.objects import Object
from wherry.proxy.changes import Changes
from wherry.proxy.modes import Mode, ModeConfig, make

ENDPOINTS = 5
LOADS = 3
CHANGES = 40


def objects(number: int, unready: int = -1) -> tuple[Object, Object]:
    """Return one Service and its slice, one of its endpoints perhaps unready."""
    name = f"s{number}"
    made = service(name, cluster_ip=f"10.96.{number // 250 + 1}.{number % 250 + 1}")
    addresses = [f"10.{244 + i // 3}.{number // 250}.{number % 250 + 1 + i % 3}" for i in range(ENDPOINTS)]
    entries = [endpoint(a, ready=i != unready, serving=i != unready) for i, a in enumerate(addresses)]
    return made, endpoint_slice(entries, service=name)


async def seconds(work: Awaitable[None]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def smallest_change() -> float:
    """Return the median milliseconds of deleting the only element there is."""
    nft, spent = NftCommand(), []
    await nft.run("add table ip bench\nadd set ip bench s { type ipv4_addr; }\n")
    for _ in range(CHANGES):
        await nft.run("add element ip bench s { 10.0.0.1 }\n")
        spent.append(await seconds(nft.run("delete element ip bench s { 10.0.0.1 }\n")))
    await nft.run("delete table ip bench\n")
    return sorted(spent)[len(spent) // 2] * 1000


async def measure(services: int, limit: float) -> None:
    """Print the figures for so many Services."""
    world = [objects(n) for n in range(services)]
    mode = make("nftables", ModeConfig((CLUSTER_CIDR,), (SERVICE_CIDR,)))
    async with mode.at_work(lambda: None):
        await measure_mode(mode, world, limit)


async def measure_mode(mode: Mode, world: list[tuple[Object, Object]], limit: float) -> None:
    """Print the figures of a mode at work."""
    services = len(world)
    what = f"{services} services x {ENDPOINTS} endpoints"
    plans, loads, changed, proofs = [], [], [], []
    for _ in range(LOADS):
        started = time.perf_counter()
        changes = Changes(NODE)
        for made, piece in world:
            changes.service(None, made)
            changes.slice(None, piece)
        changes.take()
        plans.append(time.perf_counter() - started)
        await mode.cleanup()
        loads.append(await seconds(mode.load(changes.plan)))
    again = [await seconds(mode.load(changes.plan)) for _ in range(LOADS)]
    for i in range(CHANGES):
        _, piece = objects(i % services, unready=2)
        started = time.perf_counter()
        changes.slice(world[i % services][1], piece)
        await mode.apply(changes.take())
        changed.append((time.perf_counter() - started) * 1000)
    for _ in range(LOADS):
        started = time.perf_counter()
        assert await mode.differences(changes.plan) == []
        proofs.append(time.perf_counter() - started)
    await mode.cleanup()
    print(line(f"{what}, plan", plans, "s"))
    print(line(f"{what}, load into an empty kernel", loads, "s"))
    print(line(f"{what}, load over what is there", again, "s"))
    print(line(f"{what}, one change", changed, "ms", limit=round(limit, 1), peer="smallest change"))
    print(f"  the first of them {changed[0]:.2f} ms, the longest {max(changed):.2f} ms")
    print(line(f"{what}, proof", proofs, "s"))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


async def run(sizes: list[int]) -> None:
    """Measure each size."""
    limit = await smallest_change()
    for size in sizes:
        await measure(size, limit)


def main(sizes: list[int]) -> None:
    """Measure in a fresh namespace."""
    with tempfile.TemporaryDirectory(prefix="wherry-bench-", dir="/run") as directory:
        path = Path(directory) / "node"
        namespaces.create(path)
        try:
            namespaces.run(path, lambda: asyncio.run(run(sizes)))
        finally:
            namespaces.delete(path)
    relay.main()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1000, 10000])
