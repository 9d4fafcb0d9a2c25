"""While the cluster changes, what is kept as bytes is what the whole path would answer: after every single change."""

import asyncio
import random
from pathlib import Path

import cluster
import dns.message
import pytest

from tests.fake.client import FakeClient
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.server import Server

COREFILE = """
.:53 {
    loadbalance
    cache 30
    kubernetes cluster.local in-addr.arpa {
        pods insecure
    }
}
"""
QUESTIONS = [
    *((f"{n}.demo.svc.cluster.local", t) for n in "abcdx" for t in ("A", "SRV")),
    *((f"_db._tcp.{n}.demo.svc.cluster.local", "SRV") for n in "abc"),
    *((f"h-{i}.{n}.demo.svc.cluster.local", "A") for n in "ab" for i in range(3)),
    *((f"{i}.0.244.10.in-addr.arpa", "PTR") for i in range(4)),
    *((f"{i}.{ord(n)}.96.10.in-addr.arpa", "PTR") for n in "abc" for i in range(3)),
    ("demo.svc.cluster.local", "A"), ("cluster.local", "NS"), ("10-1-1-1.demo.pod.cluster.local", "A"),
    ("alias.demo.svc.cluster.local", "A"),
]  # fmt: skip
CHANGES = 80


def change(client: FakeClient, dice: random.Random) -> None:
    """Change one thing, as a cluster does."""
    name = dice.choice("abcd")
    match dice.randrange(6):
        case 0 | 1:
            ip = f"10.96.{ord(name)}.{dice.randrange(3)}"
            ip = dice.choice((ip, "None"))
            client.put(cluster.service(name, clusterIP=ip, clusterIPs=[ip], ports=[{"name": "db", "port": 80}]))
        case 2 | 3:
            endpoints = [
                cluster.endpoint(f"10.244.0.{i}", ready=dice.random() < 0.7, hostname=dice.choice((f"h-{i}", None)))
                for i in range(dice.randrange(4))
            ]
            client.put(cluster.slice_of(name, *endpoints, ports=[{"name": "db", "port": dice.randrange(1, 9)}]))
        case 4:
            client.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"n{dice.randrange(3)}"}})
        case 5:
            target = f"{name}.demo.svc.cluster.local"
            client.put(cluster.service("alias", type="ExternalName", externalName=target))


def described(wire: bytes | None) -> list[str]:
    lines = dns.message.from_wire(wire or b"").to_text().splitlines()[1:]
    return sorted(line for line in lines if " SOA " not in line)


async def compare(server: Server) -> None:
    """Check that what is kept is what the whole path answers."""
    for name, type in QUESTIONS:
        data = dns.message.make_query(name, type, id=7).to_wire()
        kept = server.known(data, datagram=True)
        answer = await server.answer(data, "192.0.2.1", "udp")
        if kept is not None:
            assert described(kept) == described(answer), (name, type)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_kept_is_what_would_be_answered(seed: int, tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(COREFILE)
    client, dice = await cluster.fake(), random.Random(seed)
    instance = Instance(DnsConfig(tmp_path / "Corefile"), lambda: client, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    server = next(iter(instance.servers.values()))
    for _ in range(CHANGES):
        change(client, dice)
        for _ in range(5):
            await asyncio.sleep(0)
        await compare(server)
    await instance.stop()


async def test_a_change_leaves_the_other_names_kept(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(COREFILE)
    client = await cluster.fake()
    instance = Instance(DnsConfig(tmp_path / "Corefile"), lambda: client, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    server = next(iter(instance.servers.values()))
    names = ("mysql", "web", "headless", "none")
    queries = {n: dns.message.make_query(f"{n}.demo.svc.cluster.local", "A").to_wire() for n in names}
    for data in queries.values():
        await server.answer(data, "192.0.2.1", "udp")
    annotated = cluster.service("web", clusterIP="10.100.0.7", clusterIPs=["10.100.0.7"], ports=[
        {"name": "http", "port": 80, "protocol": "TCP"}])  # fmt: skip
    client.put(annotated | {"metadata": annotated["metadata"] | {"annotations": {"a": "b"}}})
    client.put(cluster.slice_of("headless", cluster.endpoint("10.244.9.9")))
    async with asyncio.timeout(5):
        while server.known(queries["headless"], datagram=True):  # noqa: ASYNC110 - the informer has its own turns
            await asyncio.sleep(0)
    assert all(server.known(queries[n], datagram=True) for n in ("mysql", "web", "none"))
    await instance.stop()
