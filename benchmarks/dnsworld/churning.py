"""A real API server whose Services and endpoints change, and the record of what was true when."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from ipaddress import IPv4Address
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from benchmarks.dnsworld.cluster import NAMESPACE_COUNT, namespace
from tests.apiserver.harness import Cluster
from tests.dns.churning import Change
from wherry.objects import Object
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, SERVICES

LARGE = 80
"""Endpoints of a headless Service; every other Service has four or so, and a cluster IP."""
LARGE_SHARE = 100  # one in so many is headless
WRITERS = 4
ZONE = "svc.cluster.local"


class Churn:
    """The objects, each changed by one writer. What is true of a name is told to `tell`."""

    def __init__(self, cluster: Cluster, services: int, endpoints: int, tell: Connection):
        self._create, self._client = cluster.client.create, cluster.client
        self._services = services
        self._large = services // LARGE_SHARE
        self._small = (endpoints - self._large * LARGE) // (services - self._large)
        self._tell = tell
        self._next = 0
        self._slices: dict[int, Object] = {}
        self._gone: set[int] = set()
        self.made = 0

    async def fill(self) -> None:
        """Create everything."""
        for number in range(NAMESPACE_COUNT):
            meta = {"name": namespace(number)}
            await self._create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        for number in range(self._services):
            await self._make(number)
            self._slices[number] = await self._create(ENDPOINT_SLICES, self._slice(number), namespace(number))
            if self._is_large(number):
                self._told(number, 0.0, self._addresses(number))

    async def change(self, rate: float, seconds: float) -> None:
        """Change `rate` things a second."""
        begun = time.monotonic()
        self.made = 0

        async def write(numbers: range) -> None:
            dice = random.Random(numbers.start)
            while (passed := time.monotonic() - begun) < seconds:
                if self.made > passed * rate:
                    await asyncio.sleep(0.002)
                    continue
                self.made += 1
                await self._change(dice.choice(numbers), dice)

        await asyncio.gather(*(write(range(n, self._services, WRITERS)) for n in range(WRITERS)))

    async def _change(self, number: int, dice: random.Random) -> None:
        before = time.monotonic()
        if number in self._gone or (dice.random() < 0.1 and not self._is_large(number)):
            await (self._make(number) if number in self._gone else self._remove(number))
            return
        piece = self._slices[number]
        endpoints = list(piece["endpoints"])
        endpoints[dice.randrange(len(endpoints))] = self._endpoint()
        self._slices[number] = await self._client.update(ENDPOINT_SLICES, {**piece, "endpoints": endpoints})
        if self._is_large(number):
            self._told(number, before, self._addresses(number))

    async def _make(self, number: int) -> None:
        before = time.monotonic()
        spec: Object = {"ports": [{"name": "http", "port": 80}]}
        if self._is_large(number):
            spec["clusterIP"] = "None"
        meta = {"name": f"svc-{number}", "namespace": namespace(number)}
        obj = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        made = await self._create(SERVICES, obj, namespace(number))
        self._gone.discard(number)
        if not self._is_large(number):
            self._told(number, before, frozenset((IPv4Address(made["spec"]["clusterIP"]).packed,)))

    async def _remove(self, number: int) -> None:
        before = time.monotonic()
        await self._client.delete(SERVICES, f"svc-{number}", namespace(number))
        self._gone.add(number)
        self._told(number, before, None)

    def _told(self, number: int, before: float, state: frozenset[bytes] | None) -> None:
        self._tell.send(Change(f"svc-{number}.{namespace(number)}.{ZONE}", before, time.monotonic(), state))

    def _is_large(self, number: int) -> bool:
        return number % LARGE_SHARE == 0

    def _addresses(self, number: int) -> frozenset[bytes]:
        endpoints = self._slices[number]["endpoints"]
        return frozenset(IPv4Address(e["addresses"][0]).packed for e in endpoints)

    def _endpoint(self) -> Object:
        self._next += 1
        address = IPv4Address((10 << 24) + (128 << 16) + self._next % (1 << 22))
        return {"addresses": [str(address)], "conditions": {"ready": True}}

    def _slice(self, number: int) -> Object:
        count = LARGE if self._is_large(number) else self._small
        labels = {"kubernetes.io/service-name": f"svc-{number}"}
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": f"svc-{number}-a", "namespace": namespace(number), "labels": labels},
            "addressType": "IPv4",
            "endpoints": [self._endpoint() for _ in range(count)],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        }


async def _serve(directory: Path, services: int, endpoints: int, pipe: Connection) -> None:
    async with Cluster(directory) as cluster:
        churn = Churn(cluster, services, endpoints, pipe)
        await churn.fill()
        pipe.send(str(cluster.kubeconfig()))
        while order := await asyncio.to_thread(pipe.recv):
            await churn.change(*order)
            pipe.send(churn.made)


def start(directory: Path, services: int, endpoints: int) -> tuple[multiprocessing.Process, Connection]:
    """Start it; it sends changes, the kubeconfig's path once all is there, and after each order how many it made.

    An order is how many changes a second, and for how many seconds.
    """
    ours, theirs = multiprocessing.Pipe()
    run = lambda: uvloop.run(_serve(directory, services, endpoints, theirs))  # noqa: E731 - a process's target
    process = multiprocessing.Process(target=run, daemon=True)
    process.start()
    theirs.close()
    return process, ours
