"""The API server beside Kubernetes' own with etcd: same machine, same client, in turns.

`scripts/bench api [--rounds N] [--pods N] [--watchers N]`. Both write durably and speak TLS with a client known by its
certificate; neither has controllers beside it. Both run all the time, and each row is asked of one after the other, in
every round. The client is a small program in Go (tests/clients/go/apiload) over HTTP/1.1. Ratios say how many times
better we are than the peer: above 1 is ahead, whatever the row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.apiworld import servers
from tests.clients.golang import NoGoError, build
from wherry.client.http import HttpClient
from wherry.client.kubeconfig import Config
from wherry.objects.resource import NAMESPACES, SERVICE_ACCOUNTS

SETTLE_SECONDS = 15.0
CREATORS = 32
READERS = 16
ALONE = "alone"
"""The namespace of the pods that are created one at a time."""
PEERS: dict[str, servers.Start] = {"wherry": servers.ours, "kube-apiserver": servers.theirs}


class Load:
    """The client and a server."""

    def __init__(self, name: str, client: Path, server: servers.Server):
        self.name = name
        self.server = server
        self._client = client

    def work(self, name: str, **options: float | str) -> dict[str, float]:
        """Have the client do one of its works; return its figures."""
        words = [str(self._client), "-url", self.server.url, "-certificates", str(self.server.certificates)]
        words += [f"-{option}={value}" for option, value in options.items()]
        done = subprocess.run([*words, name], capture_output=True, text=True, check=False, timeout=600)
        if done.returncode:
            raise SystemExit(f"{self.name}: {name}: {done.stderr}")
        said: dict[str, float] = json.loads(done.stdout)
        return said

    def prepare(self, namespaces: list[str]) -> None:
        """Make namespaces, each with the account that its pods need."""
        place = self.server.certificates
        certificate, key, ca = ((place / name).read_bytes() for name in ("admin.crt", "admin.key", "ca.crt"))
        config = Config(server=self.server.url, ca=ca, client_certificate=certificate, client_key=key)

        async def make() -> None:
            client = HttpClient(config)
            for name in namespaces:
                await client.create(NAMESPACES, {"metadata": {"name": name}})
                await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, name)
            await client.close()

        asyncio.run(make())


Ask = Callable[[Load, int], dict[str, float]]
"""Has a server do something in one round, and tells figures by what their rows are called."""


class Table:
    """What is measured, printed row by row."""

    def __init__(self, loads: list[Load], rounds: int):
        self._loads = loads
        self._rounds = rounds

    def rows(self, ask: Ask, unit: str, *, more_is_better: bool = False, rounds: int | None = None) -> None:
        """Ask in every round, one server after the other, and print a line for each figure."""
        seen: dict[str, dict[str, list[float]]] = {}
        for number in range(rounds or self._rounds):
            for load in self._loads:
                for what, value in ask(load, number).items():
                    seen.setdefault(what, {each.name: [] for each in self._loads})[load.name].append(value)
        for what, values in seen.items():
            self._print(what, unit, list(values.values()), more_is_better)

    def memory(self, what: str) -> None:
        """Print the servers' memory, once they have had time to give some back."""
        time.sleep(SETTLE_SECONDS)
        self.rows(lambda load, _: {what: load.server.memory()}, "MB", rounds=1)

    def _print(self, what: str, unit: str, values: list[list[float]], more_is_better: bool) -> None:
        text = f"{what:34}"
        for each in values:
            digits = 0 if statistics.median(each) >= 100 else 2
            spread = f" ({min(each):.{digits}f}–{max(each):.{digits}f})" if len(each) > 1 else ""
            text += f"{statistics.median(each):.{digits}f} {unit}{spread}".rjust(32)
        ours, peer = (statistics.median(each) for each in values)
        print(text + f"{ours / peer if more_is_better else peer / ours:8.2f}", flush=True)


def quantiles(what: str, said: dict[str, float]) -> dict[str, float]:
    """Return the two figures of a latency under their rows' names."""
    return {f"{what}, {name}": said[name] for name in ("p50", "p99")}


def measure(table: Table, given: argparse.Namespace) -> None:
    """Measure all rows, which print themselves."""
    share, few = given.pods // given.rounds, max(given.pods // 50, 1)
    table.memory("memory at the start")

    def alone(load: Load, number: int) -> dict[str, float]:
        said = load.work("create", namespace=ALONE, first=number * few, pods=few)
        return {"creates, one at a time": said["per_second"]}

    def together(load: Load, number: int) -> dict[str, float]:
        said = load.work("create", namespace=f"load-{number}", pods=share, clients=CREATORS)
        return {f"creates, {CREATORS} at once": said["per_second"]}

    table.rows(alone, "/s", more_is_better=True)
    table.rows(together, "/s", more_is_better=True)
    for readers in (1, READERS):

        def get(load: Load, number: int, readers: int = readers) -> dict[str, float]:
            options = {"namespace": f"load-{number}", "pods": share, "clients": readers}
            return quantiles(f"GET, {readers} at once", load.work("get", seconds=given.seconds, **options))

        table.rows(get, "ms")
    for what, page in (("LIST of all pods", 0), ("LIST of 500 of them", 500)):

        def listed(load: Load, number: int, what: str = what, page: int = page) -> dict[str, float]:
            return quantiles(what, load.work("list", page=page, seconds=given.seconds))

        table.rows(listed, "ms")
    table.memory("memory with all pods")

    def watched(load: Load, number: int) -> dict[str, float]:
        said = load.work("watch", namespace=ALONE, watchers=given.watchers, changes=given.changes)
        return quantiles(f"lag of {given.watchers} watches", said)

    table.rows(watched, "ms")

    def deleted(load: Load, number: int) -> dict[str, float]:
        said = load.work("delete", namespace=f"load-{number}", pods=share)
        return {"deletes of a collection": said["per_second"]}

    table.rows(deleted, "/s", more_is_better=True)
    table.memory("memory after all is deleted")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="scripts/bench api", description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--pods", type=int, default=10_000)
    options.add_argument("--watchers", type=int, default=1000)
    options.add_argument("--changes", type=int, default=50, help="How many changes the watches are told a round.")
    options.add_argument("--seconds", type=float, default=3.0, help="How long is read for one figure.")
    given = options.parse_args()
    try:
        client = build("apiload")
        for name in ("kube-apiserver", "etcd"):
            build(name)
    except NoGoError as error:
        raise SystemExit(f"{error}: nothing is measured") from error
    with ExitStack() as stack:
        loads = []
        for name, start in PEERS.items():
            folder = stack.enter_context(TemporaryDirectory())
            loads.append(Load(name, client, stack.enter_context(start(Path(folder)))))
        for load in loads:
            load.prepare([ALONE, *(f"load-{number}" for number in range(given.rounds))])
        print(f"{given.pods} pods".ljust(34) + "".join(f"{load.name:>32}" for load in loads) + "   ratio")
        measure(Table(loads, given.rounds), given)


if __name__ == "__main__":
    main()
