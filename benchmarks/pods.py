"""Pods: from their creation to Ready, one at a time and many at once, and what each takes; `wherry up` from nothing.

`scripts/bench pods [--counts 100,500] [--single N]`. Each count has a cluster of its own, from an empty data directory,
without addons: one node for up to 100 pods, more of them for more. A pod is one container that sleeps; its time ends
when a watch tells that it is Ready. Memory is proportional (PSS), of all processes of the cluster, conmon
and containers included, before and after.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import line
from benchmarks.up import BIND, PATIENCE_SECONDS, wherry
from wherry.client.http import connect
from wherry.client.interface import Client
from wherry.cluster import memory
from wherry.cluster.datadir import locate
from wherry.cluster.sandbox import running
from wherry.component.informer import Informer
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.meaning.pods import is_ready
from wherry.objects.resource import PODS, SERVICE_ACCOUNTS

NAME, NAMESPACE = "bench-pods", "default"
LIMIT_READY, LIMIT_ALL, LIMIT_UP, LIMIT_MB = 0.15, 5.0, 1.5, 200.0
MANY = 100
"""What `LIMIT_ALL` is for, and as many as one node gets."""
WORKERS = 16
SETTLE_SECONDS = 3.0
LONGEST_SECONDS = 300.0


def pod(name: str) -> Object:
    """Return a pod that sleeps, and ends at once when it is asked to."""
    spec = {"terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": "host/sleep"}]}
    return {"metadata": {"name": name}, "spec": spec}


class Watched:
    """When each pod was seen to be Ready, by name."""

    def __init__(self, client: Client):
        self._informer = Informer(client, PODS, NAMESPACE)
        self._informer.subscribe(self._changed)
        self._woken = asyncio.Event()
        self.ready: dict[str, float] = {}

    def _changed(self, _: Object | None, new: Object | None) -> None:
        if new is not None and is_ready(new):
            self.ready.setdefault(new["metadata"]["name"], time.monotonic())
            self._woken.set()

    async def run(self) -> None:
        """Follow the pods."""
        await self._informer.run()

    async def wait(self, names: Sequence[str]) -> None:
        """Return once all of them are Ready."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while not all(name in self.ready for name in names):
                self._woken.clear()
                await self._woken.wait()


async def create(client: Client, watched: Watched, names: Sequence[str]) -> list[float]:
    """Create pods, `WORKERS` at a time; return how long each took to be Ready."""
    asked: dict[str, float] = {}
    left = iter(names)

    async def worker() -> None:
        for name in left:
            asked[name] = time.monotonic()
            await client.create(PODS, pod(name), NAMESPACE)

    await asyncio.gather(*(worker() for _ in range(WORKERS)))
    await watched.wait(names)
    return [watched.ready[name] - asked[name] for name in names]


async def usable(client: Client) -> None:
    """Return once pods can be created: their account is made a moment after the cluster."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await client.get(SERVICE_ACCOUNTS, "default", NAMESPACE)
                return
            except ApiError:
                await asyncio.sleep(0.02)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value that `part` of the others do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * part) - 1)]


def used() -> float:
    """Return the memory of the cluster in MB."""
    init = running(locate(NAME, None))
    return sum(process.pss for process in memory.processes(init)) / 1e6 if init else 0.0


@contextmanager
def cluster(nodes: int) -> Iterator[Path]:
    """Have a cluster of so many nodes: its kubeconfig; tells how long `up` took."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["XDG_DATA_HOME"] = home
        image_map = Path(home, "map.yaml")
        image_map.write_text('images:\n- match: "host/*"\n  command: [sleep, infinity]\n')
        options = ["--bind", BIND, "--nodes", str(nodes), "--addons", "none", "--image-map", str(image_map)]
        try:
            start = time.monotonic()
            if wherry("up", "--name", NAME, *options, home=home).wait(PATIENCE_SECONDS):
                raise SystemExit(f"wherry up failed: is another cluster at {BIND}?")
            print(line(f"wherry up, {nodes} node(s), no addons", [time.monotonic() - start], "s", limit=LIMIT_UP))
            yield Path(home, "wherry", NAME, "kubeconfig")
        finally:
            wherry("down", "--name", NAME, "--purge", home=home).wait(PATIENCE_SECONDS)


async def measure(kubeconfig: Path, count: int, single: int) -> None:
    """Measure in a cluster that is up, and print."""
    client = connect(str(kubeconfig))
    watched = Watched(client)
    following = asyncio.create_task(watched.run())
    try:
        await usable(client)
        alone = [(await create(client, watched, [f"single-{n}"]))[0] for n in range(single)]
        if alone:
            print(line("one pod, created to Ready", alone, "s", limit=LIMIT_READY))
            print(f"  p99 {percentile(alone, 0.99):.2f} s")
        for n in range(single):
            await client.delete(PODS, f"single-{n}", NAMESPACE)
        await asyncio.sleep(SETTLE_SECONDS)
        before, start = used(), time.monotonic()
        times = await create(client, watched, [f"pod-{n}" for n in range(count)])
        took = time.monotonic() - start
        print(line(f"{count} pods at once, until all are Ready", [took], "s", limit=LIMIT_ALL * count / MANY))
        p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
        print(f"  each, created to Ready: p50 {p50:.2f} s, p99 {p99:.2f} s; {count / took:.0f} pods a second")
        await asyncio.sleep(SETTLE_SECONDS)
        after = used()
        print(line("  memory before", [before], "MB", limit=LIMIT_MB))
        print(f"  memory after {after:.0f} MB: {(after - before) / count:.2f} MB a pod", flush=True)
    finally:
        following.cancel()
        await client.close()


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="scripts/bench pods", description=__doc__)
    options.add_argument("--counts", default="100,500", help="how many pods at once, one cluster for each")
    options.add_argument("--single", type=int, default=20, help="how many pods one after another before that")
    given = options.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for count in map(int, given.counts.split(",")):
        # With other nodes there, the first one takes no ordinary pods.
        nodes = 1 if count <= MANY else 1 + math.ceil(count / MANY)
        with cluster(nodes) as kubeconfig:
            asyncio.run(measure(kubeconfig, count, given.single))


if __name__ == "__main__":
    main()
