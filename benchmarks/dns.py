"""The cluster DNS beside real CoreDNS: same API server, same Corefile, one core each, asked by dnsperf from the other.

What counts is the first row: 60 % cluster names, 30 % external names through the search path of ndots:5, 10 % headless.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.dnsworld import cluster, servers, upstream
from tests.dns.ports import free_port

ZONE = "cluster.local"
dice = random.Random(7)


def _cluster_ip(services: int) -> Iterator[str]:
    for _ in range(20_000):
        number = dice.randrange(services)
        yield f"svc-{number}.{cluster.namespace(number)}.svc.{ZONE} {dice.choice(('A', 'AAAA'))}"


def _headless(sort: str) -> Callable[[int], Iterator[str]]:
    def names(_: int) -> Iterator[str]:
        for number in range(cluster.HEADLESS):
            yield f"{sort}-{number}.{cluster.namespace(number)}.svc.{ZONE} A"

    return names


def _srv(_: int) -> Iterator[str]:
    for number in range(cluster.HEADLESS):
        yield f"_db._tcp.few-{number}.{cluster.namespace(number)}.svc.{ZONE} SRV"


def _searched(_: int) -> Iterator[str]:
    for number in range(1000):
        for suffix in (f"{cluster.namespace(number)}.svc.{ZONE}", f"svc.{ZONE}", ZONE):
            yield f"www.site-{number}.example.org.{suffix} A"


def _cached(_: int) -> Iterator[str]:
    for number in range(1000):
        yield f"www.site-{number}.example.org A"


def _uncached(_: int) -> Iterator[str]:
    for number in range(400_000):
        yield f"h{number}-{dice.getrandbits(32):x}.example.org A"


def _mix(services: int) -> Iterator[str]:
    internal = list(_cluster_ip(services))
    searched, outside = list(_searched(0)), list(_cached(0))
    headless = [*_headless("few")(0), *_headless("many")(0)]
    for number in range(40_000):
        kind = number % 10
        if kind < 6:
            yield dice.choice(internal)
        elif kind < 9:
            at = dice.randrange(len(outside))
            yield from (*searched[3 * at : 3 * at + 3], outside[at])
        else:
            yield dice.choice(headless)


ROWS: dict[str, tuple[Callable[[int], Iterator[str]], str]] = {
    "mix": (_mix, "udp"),
    "ClusterIP": (_cluster_ip, "udp"),
    "search path": (_searched, "udp"),
    "cached external": (_cached, "udp"),
    "uncached external": (_uncached, "udp"),
    "headless, 5": (_headless("few"), "udp"),
    "headless, 80": (_headless("many"), "udp"),
    "SRV": (_srv, "udp"),
    "TCP": (_cluster_ip, "tcp"),
}


def ask(port: int, questions: Path, transport: str, seconds: float) -> tuple[float, float, float]:
    """Return queries per second, their mean latency in ms, and the share in % that was lost."""
    command = [
        "taskset",
        "-c",
        "1",
        "dnsperf",
        "-s",
        "127.0.0.1",
        "-p",
        str(port),
        "-d",
        str(questions),
        "-m",
        transport,
    ]
    command += ["-l", str(seconds), "-c", "8", "-q", "100", "-t", "2", "-O", "suppress=timeout"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {name: float(value) for name, value in re.findall(r"^ +([A-Z][\w .()]+): +([\d.]+)", text, re.MULTILINE)}
    lost = 100 * found["Queries lost"] / max(1.0, found["Queries sent"])
    return found["Queries per second"], found["Average Latency (s)"] * 1000, lost


def measure(given: argparse.Namespace, peers: dict[str, list[str]], services: int, directory: Path) -> None:
    """Measure all rows at one size of cluster, and print them."""
    api = cluster.start(directory, services)
    up_port = free_port()
    up = upstream.start(up_port)
    path = directory / "kubeconfig.path"
    while not path.exists():
        if not api.is_alive():
            raise SystemExit("the API server did not start")
        time.sleep(0.1)
    running = []
    try:
        for name, program in peers.items():
            server = servers.start(name, program, directory, free_port(), path.read_text(), up_port)
            running.append(server)
            server.wait(f"svc-{services - 1}.{cluster.namespace(services - 1)}.svc.{ZONE}")
        print(f"\n{services} Services".ljust(20) + "".join(f"{s.name:>40}" for s in running) + "   ratio")
        for row in given.rows or ROWS:
            _row(row, given, running, services, directory)
        for what, value in (("first answer, s", lambda s: s.first_answer), ("memory, MB", lambda s: s.memory())):
            print(f"{what:19}" + "".join(f"{value(s):40.2f}" for s in running))
    finally:
        for server in running:
            server.stop()
        for process in (api, up):
            process.kill()
            process.join()


def _row(row: str, given: argparse.Namespace, running: list[servers.Server], services: int, directory: Path) -> None:
    names, transport = ROWS[row]
    questions = directory / "questions"
    questions.write_text("\n".join(names(services)) + "\n")
    seen: dict[str, list[tuple[float, float, float]]] = {server.name: [] for server in running}
    for _ in range(given.rounds):
        for server in running:
            if row.startswith("uncached"):
                questions.write_text("\n".join(names(services)) + "\n")
            seen[server.name].append(ask(server.port, questions, transport, given.seconds))
    rates = {name: statistics.median(r[0] for r in results) for name, results in seen.items()}
    text = f"{row:19}"
    for server in running:
        results = seen[server.name]
        spread = f"{min(r[0] for r in results) / 1000:.1f}–{max(r[0] for r in results) / 1000:.1f}"
        latency, lost = statistics.median(r[1] for r in results), max(r[2] for r in results)
        gone = f" {lost:.1f}% lost" if lost else ""
        text += f"{rates[server.name] / 1000:.1f} k/s ({spread}) {latency:.2f} ms{gone}".rjust(40)
    ours, *others = rates.values()
    print(text + (f"{ours / others[0]:8.2f}" if others else ""), flush=True)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="scripts/bench dns", description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=2.0)
    options.add_argument("--services", type=int, nargs="*", default=[100, 10_000])
    options.add_argument("--rows", nargs="*", choices=list(ROWS))
    given = options.parse_args()
    if not shutil.which("dnsperf"):
        raise SystemExit("dnsperf is not installed (Debian: apt-get install dnsperf): nothing is measured")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed: one for the server, one for who asks")
    peers, other = {"wherry": servers.ours()}, servers.coredns()
    if isinstance(other, Path):
        peers["CoreDNS"] = [str(other)]
    else:
        print(other)
    for services in given.services:
        with TemporaryDirectory() as directory:
            measure(given, peers, services, Path(directory))


if __name__ == "__main__":
    main()
