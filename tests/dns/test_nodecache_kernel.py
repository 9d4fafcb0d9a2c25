"""The cache of a node, in a network namespace of its own."""

import asyncio
from pathlib import Path

import dns.asyncquery
import dns.message
import pytest

from tests.fake.client import FakeClient
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.net import namespaces
from wherry.net.links import Links

ADDRESS = "169.254.20.10"

pytestmark = pytest.mark.kernel


async def answers(directory: Path) -> list[str]:
    """Return what a cache made there answers."""
    instance = Instance(DnsConfig(directory / "Corefile"), FakeClient, Metrics(), lambda: None)
    await instance.start()
    try:
        query = dns.message.make_query("a.example", "A")
        response = await dns.asyncquery.udp(query, ADDRESS, timeout=5)
        return [r.to_text() for s in response.answer for r in s]
    finally:
        await instance.stop()


def test_the_address_is_made_and_there_for_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(f".:53 {{\n nodecache {ADDRESS}\n hosts {{\n  192.0.2.1 a.example\n }}\n}}\n")
    namespace = tmp_path / "ns"
    namespaces.create(namespace)

    def both() -> list[str]:
        with Links() as links:
            links.loopback_up()
        first = asyncio.run(answers(tmp_path))
        return first + asyncio.run(answers(tmp_path))

    try:
        assert namespaces.run(namespace, both) == ["192.0.2.1", "192.0.2.1"]
    finally:
        namespaces.delete(namespace)


def test_an_interface_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    text = f".:53 {{\n nodecache {ADDRESS} {{\n  interface {'x' * 20}\n }}\n whoami\n}}\n"
    (tmp_path / "Corefile").write_text(text)
    namespace = tmp_path / "ns"
    namespaces.create(namespace)
    try:
        with pytest.raises(CorefileError, match=f"interface {'x' * 20} cannot be made"):
            namespaces.run(namespace, lambda: asyncio.run(answers(tmp_path)))
    finally:
        namespaces.delete(namespace)
