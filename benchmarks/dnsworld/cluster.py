"""A real API server in a process of its own, with Services, headless Services and their endpoints."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from pathlib import Path

from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, SERVICES

HEADLESS = 50
ENDPOINTS = (5, 80)
"""How many endpoints headless Services have: `few-N` and `many-N`."""
NAMESPACE_COUNT = 20


def namespace(number: int) -> str:
    """Return the namespace of a numbered Service."""
    return f"team-{number % NAMESPACE_COUNT}"


def services(count: int) -> Iterator[Object]:
    """Yield the Services: `count` with cluster IPs, and headless ones."""
    for number in range(count):
        yield _service(f"svc-{number}", number, {"ports": [{"name": "http", "port": 80}]})
    for number in range(HEADLESS):
        for sort in ("few", "many"):
            yield _service(f"{sort}-{number}", number, {"clusterIP": "None", "ports": [{"name": "db", "port": 3306}]})


def slices() -> Iterator[Object]:
    """Yield the endpoints of the headless Services."""
    for number in range(HEADLESS):
        for sort, count in zip(("few", "many"), ENDPOINTS, strict=True):
            yield {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{sort}-{number}-a",
                    "namespace": namespace(number),
                    "labels": {"kubernetes.io/service-name": f"{sort}-{number}"},
                },
                "addressType": "IPv4",
                "endpoints": [
                    {"addresses": [f"10.{count}.{number}.{n}"], "conditions": {"ready": True}, "hostname": f"pod-{n}"}
                    for n in range(1, count + 1)
                ],
                "ports": [{"name": "db", "port": 3306, "protocol": "TCP"}],
            }


def _service(name: str, number: int, spec: Object) -> Object:
    meta = {"name": name, "namespace": namespace(number)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


async def _serve(directory: Path, count: int) -> None:
    async with Cluster(directory) as cluster:
        create = cluster.client.create
        for number in range(NAMESPACE_COUNT):
            meta = {"name": namespace(number)}
            await create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        for obj in services(count):
            await create(SERVICES, obj, obj["metadata"]["namespace"])
        for obj in slices():
            await create(ENDPOINT_SLICES, obj, obj["metadata"]["namespace"])
        (directory / "kubeconfig.path").write_text(str(cluster.kubeconfig()))
        await asyncio.Event().wait()


def start(directory: Path, count: int) -> multiprocessing.Process:
    """Start it; the file `kubeconfig.path` is there once every object is."""
    directory.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.Process(target=lambda: asyncio.run(_serve(directory, count)), daemon=True)
    process.start()
    return process
