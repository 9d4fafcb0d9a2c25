"""DNS on a client that raises from any call, and objects that raise when read: in the end the records are right."""

from __future__ import annotations

import asyncio
import random

import cluster
import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.virtual import in_virtual_time
from wherry.client.interface import Client
from wherry.component.troubles import FAILURES, Troubles
from wherry.dns import corefile
from wherry.dns.chain import Environment
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.kubernetes import Kubernetes, settings
from wherry.dns.plugins.kubernetes.records import Records
from wherry.dns.query import refuse
from wherry.objects import Object, metadata
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES

COREFILE = "cluster.local {\n kubernetes cluster.local {\n  pods verified\n }\n}\n"


def plugin(client: Client) -> tuple[Kubernetes, Troubles]:
    (block,) = corefile.parse(COREFILE, {})
    troubles = Troubles("dns")
    environment = Environment(
        client=lambda: client,
        resolve=lambda query: refuse(query),
        changed=lambda tags: None,
        reload=lambda: None,
        fail=lambda why: None,
        metrics=Metrics(),
        corefile="",
        waiting=list,
        troubles=troubles,
        plugins={},
    )
    return Kubernetes(settings(block.directives[0], block), environment), troubles


def pod(name: str, address: str) -> Object:
    meta = {"name": name, "namespace": "demo"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": {"podIP": address}}


def meddle(client: FakeClient, dice: random.Random) -> None:
    name = dice.choice("abc")
    ip = f"10.96.{ord(name)}.{dice.randrange(4)}"
    match dice.randrange(8):
        case 0 | 1:
            client.put(cluster.service(name, clusterIP=dice.choice((ip, "None")), ports=[{"name": "x", "port": 80}]))
        case 2 if client.peek(SERVICES, name, "demo"):
            client.remove(SERVICES, name, "demo")
        case 3 | 4:
            ready = [cluster.endpoint(f"10.244.0.{i}", ready=dice.random() < 0.7) for i in range(dice.randrange(4))]
            client.put(cluster.slice_of(name, *ready))
        case 5:
            client.put(pod(name, f"10.244.0.{dice.randrange(3)}"))
        case 6 if client.peek(PODS, name, "demo"):
            client.remove(PODS, name, "demo")
        case 7:
            client.expire()


def right(client: FakeClient) -> Records:
    """Return the records of the objects as they are, made by nobody who has seen trouble."""
    records = Records(pods="verified")
    for obj in client.peek_all(NAMESPACES):
        records.set_namespace(obj["metadata"]["name"], True)
    for obj in client.peek_all(SERVICES):
        records.set_service(metadata.key(obj), obj)
    for obj in client.peek_all(ENDPOINT_SLICES):
        records.set_slice(metadata.key(obj), obj)
    for obj in client.peek_all(PODS):
        records.set_pod(metadata.key(obj), (obj["status"]["podIP"],))
    return records


@pytest.mark.parametrize("seed", range(12))
def test_the_records_are_those_of_the_objects_in_the_end(seed: int):
    async def scenario() -> None:
        client, chaos = await cluster.fake(), Chaos(seed)
        made, troubles = plugin(ChaosClient(client, chaos))
        await made.start()
        troubled = 0
        for _ in range(150):
            meddle(client, chaos.dice)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 0.5)))
            troubled += troubles.check() is not None
        assert troubled
        chaos.calm()
        await asyncio.sleep(300.0)
        assert troubles.check() is None
        assert made.is_ready()
        _same(made.records, right(client))
        await made.stop()

    before = _failures()
    in_virtual_time(scenario())
    assert _failures() > before


def test_a_service_that_cannot_be_read_is_told_and_later_ones_are_found():
    async def scenario() -> None:
        client = await cluster.fake()
        made, troubles = plugin(client)
        await made.start()
        await asyncio.sleep(1.0)
        client.put(cluster.service("broken") | {"spec": "not a spec"})
        client.put(cluster.service("later", clusterIP="10.96.0.78", ports=[{"port": 80}]))
        await asyncio.sleep(1.0)
        assert made.records.find(("later", "demo", "svc"), "A").exists
        assert "fails at demo/broken" in (troubles.check() or "")
        assert troubles.stalled() is None
        client.put(cluster.service("broken", clusterIP="10.96.0.77", ports=[{"port": 80}]))
        await asyncio.sleep(1.0)
        assert made.records.find(("broken", "demo", "svc"), "A").exists
        assert troubles.check() is None
        await made.stop()

    in_virtual_time(scenario())


def _same(found: Records, wanted: Records) -> None:
    for field in ("_namespaces", "_services", "_slices", "_slice_owner", "_by_endpoint_ip", "_pods", "_pod_ips"):
        assert getattr(found, field) == getattr(wanted, field), field
    assert set(found._by_cluster_ip) == set(wanted._by_cluster_ip)


def _failures() -> float:
    samples = [sample for family in FAILURES.collect() for sample in family.samples]
    return sum(s.value for s in samples if s.labels["component"] == "dns")
