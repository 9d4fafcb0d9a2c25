"""The cluster DNS while the cluster churns: is any answer wrong, is any question lost?

Two servers as the pods of the Service kube-dns are, asked in turn while they are ready, each question once; they follow
a real API server. Then while their Corefile changes, and while one after the other is ended and started again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import aiohttp
import uvloop

from benchmarks.dnsworld import churning
from tests.dns.churning import Asked, Asker, Change, History, ask_on
from tests.dns.ports import free_port

TOP = Path(__file__).resolve().parents[1]
CONFIGURE_SECONDS = 4.0
"""Between two changes of a Corefile: each reads the whole cluster anew."""
STALE_SECONDS = 5.0
"""An answer that has not been true for so long is wrong, however loaded the machine."""
COREFILE = """.:{port} {{
    bind 127.0.0.1
    health 127.0.0.1:{health} {{
        lameduck 2s
    }}
    ready 127.0.0.1:{ready}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl {ttl}
    }}
    cache 30
    loadbalance
}}
"""


@dataclass
class Pod:
    """A server as a pod: it is asked while it is ready."""

    directory: Path
    name: str
    kubeconfig: str
    process: subprocess.Popen[bytes] | None = None
    asker: Asker | None = None
    is_ready: bool = False

    def __post_init__(self) -> None:
        self.port, self.health, self.ready = free_port(), free_port(), free_port()
        self.configure(30)

    def configure(self, ttl: int) -> None:
        """Write the Corefile."""
        path = self.directory / f"Corefile.{self.name}"
        path.write_text(COREFILE.format(ttl=ttl, **vars(self)))

    async def start(self) -> None:
        """Start it; return once it is ready."""
        output = (self.directory / f"{self.name}.log").open("ab")
        command = [sys.executable, "-m", "wherry", "dns", "-conf", str(self.directory / f"Corefile.{self.name}")]
        self.process = subprocess.Popen(command, stdout=output, stderr=output, cwd=TOP)
        self.asker = await Asker.open(self.port)  # as conntrack would: what is under way with the last one ends there
        self.is_ready = False  # that was the one before
        while not self.is_ready:
            assert self.process.poll() is None, (self.directory / f"{self.name}.log").read_text()
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        """End it as a pod is: it is told to, and goes on until its clients have turned away."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait)

    async def probe(self) -> None:
        """See all the time whether it is ready."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10.0)) as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.ready}/ready") as response:
                        self.is_ready = response.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    self.is_ready = False
                await asyncio.sleep(0.1)

    def cpu_seconds(self) -> float:
        """Return what it has used of a core."""
        assert self.process
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Reader(Thread):
    """Reads what the API server's process says as soon as it says it: it may not wait for us. Changes are history."""

    def __init__(self, pipe: Connection, history: History):
        super().__init__(daemon=True)
        self._pipe, self._history = pipe, history
        self._loop = asyncio.get_running_loop()
        self.messages: asyncio.Queue[object] = asyncio.Queue()

    def run(self) -> None:
        """Read to the end."""
        with suppress(EOFError, OSError, RuntimeError):
            while True:
                message = self._pipe.recv()
                if isinstance(message, Change):
                    self._history.add(message)
                else:
                    self._loop.call_soon_threadsafe(self.messages.put_nowait, message)


async def _phase(
    what: str,
    given: argparse.Namespace,
    pods: list[Pod],
    pipe: Connection,
    reader: Reader,
    history: History,
    meanwhile: Callable[[], Coroutine[None, None, None]],
) -> bool:
    """Let it churn, ask, and print what came of it; return whether all was right."""
    stopped, spent = asyncio.Event(), [p.cpu_seconds() for p in pods]

    def ready() -> list[Asker]:
        return [p.asker for p in pods if p.is_ready and p.asker] or [p.asker for p in pods if p.asker]

    asking = asyncio.create_task(ask_on(ready, history, given.questions, stopped))
    other = asyncio.create_task(meanwhile())
    begun = time.monotonic()
    pipe.send((given.changes, given.seconds))
    made = await reader.messages.get()
    seconds = time.monotonic() - begun
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    stopped.set()
    told = await asking
    used = [100 * max(0.0, p.cpu_seconds() - s) / seconds for p, s in zip(pods, spent, strict=True)]
    return _print(what, told, history, f"{int(str(made)) / seconds:.0f} changes/s, DNS {max(used):.0f} % of a core")


def _print(what: str, told: list[Asked], history: History, more: str) -> bool:
    lost = sum(a.rcode is None for a in told)
    lags = [(a, history.lag(a)) for a in told if a.rcode is not None]
    wrong = [a for a, lag in lags if lag is None or lag > STALE_SECONDS]
    known = sorted(lag for _, lag in lags if lag is not None)
    late = [lag for lag in known if lag > 0]
    took = sorted(a.received - a.sent for a, _ in lags)
    print(
        f"{what:18} {len(told)} questions: {len(wrong)} wrong, {lost} lost; {len(late)} told what was no more, "
        f"for {1000 * statistics.median(late or [0.0]):.0f} ms, at most {1000 * max(late, default=0.0):.0f} ms; "
        f"answers in {1000 * statistics.median(took):.1f} ms, p99 {1000 * took[len(took) * 99 // 100]:.0f} ms; {more}",
        flush=True,
    )
    for asked in wrong[:5]:
        print(f"  wrong: {asked.name} rcode {asked.rcode}, {len(asked.found)} addresses, lag {history.lag(asked)}")
    return not wrong and not lost


async def measure(given: argparse.Namespace, directory: Path) -> bool:
    """Run all phases; return whether all was right."""
    process, pipe = churning.start(directory, given.services, given.endpoints)
    history = History()
    begun = time.monotonic()
    reader = Reader(pipe, history)
    reader.start()
    kubeconfig = str(await reader.messages.get())
    seconds = time.monotonic() - begun
    print(f"{given.services} Services, {given.endpoints} endpoints, made in {seconds:.0f} s", flush=True)
    pods = [Pod(directory, name, kubeconfig) for name in ("one", "two")]
    probes = [asyncio.create_task(p.probe()) for p in pods]
    try:
        for pod in pods:
            await pod.start()

        async def nothing() -> None:
            pass

        async def reconfigure() -> None:
            for ttl in range(10, 1000):
                for pod in pods:
                    await asyncio.sleep(CONFIGURE_SECONDS)
                    pod.configure(ttl)
                    assert pod.process
                    pod.process.send_signal(signal.SIGUSR1)

        async def roll() -> None:
            while True:
                for pod in pods:
                    await pod.end()
                    await pod.start()

        good = True
        for what, meanwhile in (("churn", nothing), ("Corefile changes", reconfigure), ("pods are rolled", roll)):
            good &= await _phase(what, given, pods, pipe, reader, history, meanwhile)
            for pod in pods:
                assert pod.process
                if pod.process.poll() is not None:
                    await pod.start()
        return good
    finally:
        for probe in probes:
            probe.cancel()
        for pod in pods:
            if pod.process:
                pod.process.kill()
        process.kill()


def main() -> None:
    """Measure, print, and fail when an answer was wrong or lost."""
    options = argparse.ArgumentParser(prog="scripts/bench dnschurn", description=__doc__)
    options.add_argument("--services", type=int, default=10_000)
    options.add_argument("--endpoints", type=int, default=50_000)
    options.add_argument("--changes", type=float, default=500.0, help="a second")
    options.add_argument("--questions", type=float, default=500.0, help="a second")
    options.add_argument("--seconds", type=float, default=20.0, help="of each phase")
    given = options.parse_args()
    with TemporaryDirectory() as directory:
        if not uvloop.run(measure(given, Path(directory))):
            raise SystemExit("an answer was wrong or lost")


if __name__ == "__main__":
    main()
