"""How many objects the API server writes in a second, over the in-process client and the durable store.

`scripts/bench writes [WRITES]`, needs no rights. Each figure stands beside what the store alone commits in the same
run, values of one size, as many writers at once. One writer waits for the disk each time; of many, the store commits a
batch together, and what is left is the pipeline's own work. CPU time is told too: a busy machine changes it less.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import line
from tests.apiserver.harness import Cluster, give_default_accounts
from tests.apiserver.samples import config_map, pod, service
from wherry.apiserver.storage.interface import Write
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.client.interface import Client
from wherry.objects.resource import CONFIG_MAPS, NAMESPACES, PODS, SERVICES

WRITERS = (1, 32)
ROUNDS = 3
VALUE_BYTES = 700
"""About what the objects here take when stored."""

Work = Callable[[int], Awaitable[object]]
"""One write, given its number."""


class Rate(NamedTuple):
    """Writes a second, and milliseconds of CPU time a write."""

    per_second: float
    cpu: float


async def rate(work: Work, start: int, count: int, writers: int) -> Rate:
    """Return what `writers` do that share `count` numbers from `start` on."""
    numbers = iter(range(start, start + count))

    async def writer() -> None:
        for number in numbers:
            await work(number)

    started, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(writer() for _ in range(writers)))
    return Rate(count / (time.perf_counter() - started), (time.process_time() - used) / count * 1000)


async def rates(work: Work, count: int, writers: int) -> list[Rate]:
    """Return the rates of several rounds, none of which writes what another did."""
    return [await rate(work, n * count, count, writers) for n in range(ROUNDS)]


async def raw(directory: Path, count: int, writers: int) -> list[Rate]:
    """Return how many commits a second the store alone does."""
    storage = SqliteStorage(directory / f"raw-{writers}")
    await storage.open()
    value = b"x" * VALUE_BYTES
    found = await rates(lambda n: storage.commit([Write(f"/core/things/demo/{n}", value, 0)]), count, writers)
    await storage.close()
    return found


def kinds_of_write(client: Client, label: str) -> dict[str, Work]:
    """Return what is measured; `label` keeps the names of one measurement apart from those of another."""
    return {
        "create a ConfigMap": lambda n: client.create(CONFIG_MAPS, config_map(f"{label}-{n}", a="b" * 300), "demo"),
        "patch it": lambda n: client.patch(CONFIG_MAPS, f"{label}-{n}", {"data": {"x": str(n)}}, "demo"),
        "create a Pod": lambda n: client.create(PODS, pod(f"{label}-{n}"), "demo"),
        "patch its status": lambda n: client.patch(
            PODS, f"{label}-{n}", {"status": {"message": str(n)}}, "demo", subresource="status"
        ),
        "create a Service": lambda n: client.create(SERVICES, service(f"s{label}-{n}"), "demo"),
        "delete it": lambda n: client.delete(SERVICES, f"s{label}-{n}", "demo"),
    }


def report(what: str, found: list[Rate], alone: list[Rate]) -> None:
    """Print a measurement beside the store's."""
    limit = statistics.median(one.per_second for one in alone)
    print(line(what, [one.per_second for one in found], "/s", limit=round(limit), peer="store's"))
    cpu, least = ([one.cpu for one in some] for some in (found, alone))
    print("    " + line("CPU time", cpu, "ms", limit=round(statistics.median(least), 3), peer="store's"))


async def measure(count: int, directory: Path) -> None:
    """Print the figures for so many writes a round."""
    async with Cluster(directory, storage=directory / "db") as cluster:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        await give_default_accounts(cluster.client, "demo")
        for writers in WRITERS:
            alone = await raw(directory, count, writers)
            for what, work in kinds_of_write(cluster.client, f"w{writers}").items():
                report(f"{writers} at once, {what}", await rates(work, count, writers), alone)


def main() -> None:
    """Measure with the number of writes given, else 500."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(count, Path(directory)))


if __name__ == "__main__":
    main()
