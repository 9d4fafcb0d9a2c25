"""The control plane's memory: at the start, under many objects, after their deletion, and after many small requests.

`scripts/bench memory [--objects N] [--requests N]`. API server, controllers and scheduler run in a process of their
own, as in a cluster, on a database in a temporary directory; a client with `WORKERS` requests at once creates, reads,
and deletes. Sizes are proportional set sizes (proc_pid_smaps(5)), each after `SETTLE_SECONDS` of rest.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.apiserver.harness import Cluster
from wherry.client.http import HttpClient
from wherry.cluster.memory import pss
from wherry.controllers import manager
from wherry.controllers.config import ControllersConfig
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import CONFIG_MAPS
from wherry.scheduler import run as scheduler
from wherry.scheduler.config import SchedulerConfig

WORKERS = 16
VALUE_BYTES = 1000
SETTLE_SECONDS = 4.0


async def serve(directory: Path) -> None:
    """Run a control plane until SIGTERM; its address is the file `url` once it answers."""
    cluster = Cluster(directory, storage=directory / "state.db")
    async with cluster:
        ca = (directory / "ca.crt").read_text()
        controllers = manager.make(cluster.server.client(), ControllersConfig(ca))
        planner = scheduler.make(cluster.server.client(), SchedulerConfig())
        tasks = [asyncio.create_task(component.run()) for component in (controllers, planner)]
        cluster.config_of("bench", "system:masters")
        (directory / "url").write_text(cluster.url)
        done = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, done.set)
        await done.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def client(directory: Path) -> HttpClient:
    """Return a client of the server in `directory`, who may do everything."""
    from wherry.client.kubeconfig import Config

    def read(name: str) -> bytes:
        return (directory / name).read_bytes()

    url = (directory / "url").read_text()
    return HttpClient(
        Config(server=url, ca=read("ca.crt"), client_certificate=read("bench.crt"), client_key=read("bench.key"))
    )


async def spread(count: int, work: Callable[[int], Awaitable[object]]) -> None:
    """Call `work` with each number below `count`, `WORKERS` at a time; what the API refuses is refused."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            try:
                await work(number)
            except ApiError:
                continue

    await asyncio.gather(*(worker() for _ in range(WORKERS)))


def config_map(number: int) -> Object:
    """Return an object of about a kilobyte."""
    return {"metadata": {"name": f"o{number:06}"}, "data": {"value": f"{number:06}" * (VALUE_BYTES // 6)}}


@asynccontextmanager
async def control_plane() -> AsyncIterator[tuple[int, HttpClient, Path]]:
    """Have a control plane in a process of its own: its pid, a client, its database."""
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home)
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.memory", "--serve", home])
        try:
            while not (directory / "url").exists():
                if process.poll() is not None:
                    raise SystemExit("the control plane does not start")
                await asyncio.sleep(0.05)
            api = client(directory)
            try:
                yield process.pid, api, directory / "state.db"
            finally:
                await api.close()
        finally:
            process.terminate()
            process.wait(30)


async def measure(objects: int, requests: int) -> None:
    """Measure once and print."""
    async with control_plane() as (pid, api, database):

        async def show(what: str) -> None:
            await asyncio.sleep(SETTLE_SECONDS)
            disk = sum(p.stat().st_size for p in database.parent.glob("state.db*")) / 1e6
            print(f"{what:<36} {pss(pid) / 1e6:7.1f} MB of memory  {disk:6.1f} MB of database", flush=True)

        await show("at the start")
        start = time.monotonic()
        await spread(objects, lambda n: api.create(CONFIG_MAPS, config_map(n), "default"))
        print(f"created {objects / (time.monotonic() - start):.0f} a second")
        await show(f"{objects} objects")
        await api.list(CONFIG_MAPS, "default")
        await show("listed once")
        await spread(objects, lambda n: api.delete(CONFIG_MAPS, f"o{n:06}", "default"))
        await show("deleted")
        await spread(requests, lambda n: api.create(CONFIG_MAPS, {"metadata": {"name": f"Not {n}"}}, "default"))
        await show(f"{requests} refused requests")
        await api.create(CONFIG_MAPS, config_map(0), "default")
        await spread(requests, lambda n: api.patch(CONFIG_MAPS, "o000000", {"data": {"n": str(n)}}, "default"))
        await show(f"{requests} patches")


def main() -> None:
    """Measure and print; or be the measured one."""
    options = argparse.ArgumentParser(prog="scripts/bench memory", description=__doc__)
    options.add_argument("--objects", type=int, default=10_000)
    options.add_argument("--requests", type=int, default=12_000)
    options.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        import uvloop

        uvloop.run(serve(given.serve))
    else:
        print(f"{os.cpu_count()} cores")
        asyncio.run(measure(given.objects, given.requests))


if __name__ == "__main__":
    main()
