"""The search path of ndots:5 is walked for pods: for whom, for whom not, and at what cost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cluster
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ports import HOST, free_port

from tests.apiserver.accounts import addon_objects as addons
from tests.fake.client import FakeClient
from wherry.dns import names
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.kubernetes.searchers import Searchers, kept_of_pod
from wherry.dns.server import Server
from wherry.objects import Object
from wherry.objects.resource import PODS

COREFILE = """
.:53 {{
    autopath @kubernetes
    kubernetes cluster.local {{
        pods insecure
    }}
    forward . {upstream}
    cache 30
}}
"""
SEARCH = ("{}.svc.cluster.local", "svc.cluster.local", "cluster.local", "")


class Upstream(asyncio.DatagramProtocol):
    """Knows www.example.org, with an A record, and denies everything else."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        self.asked.append(f"{name} {dns.rdatatype.to_text(query.question[0].rdtype)}")
        response = dns.message.make_response(query)
        if name.to_text() != "www.example.org.":
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif query.question[0].rdtype == dns.rdatatype.A:
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.80"))
        if not response.answer:
            soa = "ns.example. admin.example. 1 60 60 60 60"
            response.authority.append(dns.rrset.from_text("example.", 60, "IN", "SOA", soa))
        self.transport.sendto(response.to_wire(), addr)  # type: ignore[attr-defined]


@dataclass
class World:
    """A server, its upstream and its cluster. `kept` counts questions that were answered from kept bytes."""

    server: Server
    upstream: Upstream
    client: FakeClient
    kept: int = 0
    asked: list[str] = field(default_factory=list)

    async def ask(self, name: str, client: str, type: str = "A", transport: str = "udp") -> dns.message.Message:
        self.asked.append(name)
        data, datagram = dns.message.make_query(name, type).to_wire(), transport == "udp"
        wire = self.server.known(data, datagram) or self.server.gated(data, client, datagram)
        self.kept += bool(wire)
        return dns.message.from_wire(wire or await self.server.answer(data, client, transport) or b"")

    async def resolve(self, name: str, namespace: str, client: str, type: str = "A") -> list[str]:
        """Return what a resolver finds: it asks with each of its domains behind the name until one exists."""
        for domain in SEARCH:
            answer = await self.ask(f"{name}.{domain.format(namespace)}", client, type)
            if answer.rcode() != dns.rcode.NXDOMAIN:
                return [r.to_text() for s in answer.answer for r in s]
        return ["NXDOMAIN"]

    async def seen(self, client: str, namespace: str | None) -> None:
        """Return once the server takes an address for one of a namespace's pods, or for nobody's."""
        probe = f"www.example.org.{namespace or 'demo'}.svc.cluster.local"
        async with asyncio.timeout(10):
            while bool((await self.ask(probe, client)).answer) is (namespace is None):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def world(directory: Path, *pods: Object) -> AsyncIterator[World]:
    port = free_port()
    loop = asyncio.get_running_loop()
    transport, upstream = await loop.create_datagram_endpoint(Upstream, (HOST, port))
    client = await cluster.fake()
    client.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}})
    for obj in pods:
        client.put(obj)
    (directory / "Corefile").write_text(COREFILE.format(upstream=f"{HOST}:{port}"))
    instance = Instance(DnsConfig(directory / "Corefile"), lambda: client, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    yield World(next(iter(instance.servers.values())), upstream, client)
    await instance.stop()
    transport.close()


def pod(name: str, namespace: str, address: str, phase: str = "Running", **spec: object) -> Object:
    meta = {"name": name, "namespace": namespace}
    status = {"phase": phase, "podIP": address, "podIPs": [{"ip": address}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status}


async def test_an_external_name_costs_one_round_trip_and_one_question_upstream(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1")) as all:
        for _ in range(3):
            assert await all.resolve("www.example.org", "demo", "10.244.9.1") == ["www.example.org.", "192.0.2.80"]
            assert await all.resolve("www.example.org", "demo", "10.244.9.1", "AAAA") == []
        assert len(all.asked) == 6
        assert sorted(all.upstream.asked) == ["www.example.org. A", "www.example.org. AAAA"]


async def test_a_service_elsewhere_costs_one_round_trip_too(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "other", "10.244.9.1")) as all:
        found = await all.resolve("mysql.demo", "other", "10.244.9.1")
        assert found == ["mysql.demo.svc.cluster.local.", "10.100.42.154"]
        assert len(all.asked) == 1
        assert all.upstream.asked == []


async def test_nobody_but_a_namespaces_pods_is_told_what_its_search_path_finds(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1"), pod("q", "other", "10.244.9.2")) as all:
        name = "www.example.org.demo.svc.cluster.local"
        for transport in ("udp", "tcp"):
            for _ in range(3):
                for client, found in (("10.244.9.1", 2), ("10.244.9.2", 0), ("10.244.9.3", 0), ("10.244.9.1", 2)):
                    assert len((await all.ask(name, client, transport=transport)).answer) == found


async def test_what_was_walked_is_kept_as_bytes(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1"), pod("q", "demo", "10.244.9.2")) as all:
        await all.ask("www.example.org.demo.svc.cluster.local", "10.244.9.1")
        await all.ask("www.example.org.demo.svc.cluster.local", "10.244.9.1")  # the cache's answer may be kept
        await all.ask("nowhere.example.org.demo.svc.cluster.local", "10.244.9.1")
        await all.ask("nowhere.example.org.demo.svc.cluster.local", "10.244.9.1")
        before, all.kept = all.kept, 0
        assert before <= 1
        for client in ("10.244.9.1", "10.244.9.2"):
            assert (await all.ask("www.example.org.demo.svc.cluster.local", client)).answer
            nowhere = await all.ask("nowhere.example.org.demo.svc.cluster.local", client)
            assert nowhere.rcode() == dns.rcode.NXDOMAIN
        assert all.kept == 4


async def test_what_exists_is_everybodys_and_kept_without_a_gate(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1")) as all:
        data = dns.message.make_query("mysql.demo.svc.cluster.local", "A").to_wire()
        await all.server.answer(data, "10.244.9.1", "udp")
        assert all.server.known(data, datagram=True)


async def test_a_service_that_comes_is_found_at_once_where_something_else_was_found_before(tmp_path: Path) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1")) as all:
        name = "www.example.org"
        for _ in range(3):
            assert await all.resolve(name, "demo", "10.244.9.1") == ["www.example.org.", "192.0.2.80"]
        all.client.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "org"}})
        # www.example.org.svc.cluster.local: port `www` of protocol `example`? No Service: still found outside.
        assert await all.resolve(name, "demo", "10.244.9.1") == ["www.example.org.", "192.0.2.80"]
        spec = {"clusterIP": "None", "ports": [{"name": "db", "port": 1}]}
        all.client.put(cluster.service("example", "org", **spec))
        all.client.put(cluster.slice_of("example", cluster.endpoint("10.244.5.5", hostname="www"), namespace="org"))
        async with asyncio.timeout(10):
            while "10.244.5.5" not in await all.resolve(name, "demo", "10.244.9.1"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_an_address_that_is_used_again_is_never_taken_for_who_had_it(tmp_path: Path) -> None:
    async with world(tmp_path, pod("old", "demo", "10.244.9.1")) as all:
        await all.seen("10.244.9.1", "demo")
        all.client.put(pod("new", "other", "10.244.9.1"))  # the old one has not ended yet, as far as is known
        await all.seen("10.244.9.1", None)
        assert await all.resolve("www.example.org", "other", "10.244.9.1") == ["192.0.2.80"]
        all.client.put(pod("old", "demo", "10.244.9.1", "Succeeded"))
        await all.seen("10.244.9.1", "other")
        assert not (await all.ask("www.example.org.demo.svc.cluster.local", "10.244.9.1")).answer
        await all.client.delete(PODS, "new", "other")
        await all.seen("10.244.9.1", None)


@pytest.mark.parametrize(
    "spec",
    [
        {"hostNetwork": True},
        {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.96.0.10"]}},
        {"dnsPolicy": "Default"},
        {"dnsConfig": {"searches": ["corp.example"]}},
    ],
    ids=str,
)
async def test_who_has_another_search_path_walks_it_himself(tmp_path: Path, spec: dict[str, object]) -> None:
    async with world(tmp_path, pod("p", "demo", "10.244.9.1", **spec)) as all:
        assert await all.resolve("www.example.org", "demo", "10.244.9.1") == ["192.0.2.80"]
        assert len(all.asked) == 4


def test_of_two_pods_at_an_address_one_with_another_path_leaves_it_unknown() -> None:
    searchers = Searchers(names.of_text("cluster.local"))
    searchers.set(("demo", "a"), ("10.0.0.1",), usual=True)
    assert searchers.of("10.0.0.1")
    searchers.set(("demo", "b"), ("10.0.0.1",), usual=False)
    assert searchers.of("10.0.0.1") is None
    searchers.set(("demo", "b"), (), usual=False)
    assert searchers.of("10.0.0.1")
    searchers.set(("demo", "a"), ("10.0.0.2", "fd00::2"), usual=True)
    assert searchers.of("10.0.0.1") is None
    assert searchers.of("10.0.0.2") == searchers.of("fd00::2")


def test_little_is_kept_of_a_pod() -> None:
    whole = pod("p", "demo", "10.244.9.1", containers=[{"name": "c"}], dnsPolicy="None", dnsConfig={"searches": ["a"]})
    whole["metadata"] |= {"labels": {"a": "b"}, "resourceVersion": "7", "managedFields": []}
    kept = kept_of_pod(whole)
    assert kept["metadata"] == {"name": "p", "namespace": "demo", "resourceVersion": "7"}
    assert kept["spec"] == {"dnsPolicy": "None", "dnsConfig": {"searches": ["a"]}}
    assert kept["status"] == whole["status"]


async def test_the_embedded_cluster_has_it_by_default(tmp_path: Path) -> None:
    (text,) = (o["data"]["Corefile"] for o in addons() if o["kind"] == "ConfigMap" and "Corefile" in o.get("data", {}))
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    (tmp_path / "Corefile").write_text(text.replace("/etc/resolv.conf", str(tmp_path / "resolv.conf")))
    instance = Instance(DnsConfig(tmp_path / "Corefile"), FakeClient, Metrics(), lambda: None)
    (built,) = instance.chains
    assert "autopath" in built.plugins
    assert built.keeps
