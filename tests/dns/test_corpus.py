"""The corpus: every case is answered as its file says, by the whole path and from kept bytes alike."""

from pathlib import Path

import case as corpus
import dns.message
import pytest
import yaml

from tests.fake.client import FakeClient
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.server import Server

OBJECTS = yaml.safe_load((corpus.CORPUS / "cluster.yaml").read_text())["items"]
FEWEST = 300


def cluster() -> FakeClient:
    client = FakeClient()
    for obj in OBJECTS:
        client.put(obj)
    return client


async def ask(server: Server, question: corpus.Question) -> list[list[str]]:
    """Return the answer three times: from the whole path, and as often as it is kept."""
    data = question.message().to_wire()
    first = await server.answer(data, question.client, question.transport, 4242)
    kept = [server.known(data, question.transport == "udp") for _ in range(2)]
    return [corpus.described(dns.message.from_wire(w)) for w in (first, *kept) if w] or [corpus.described(None)]


@pytest.mark.parametrize("path", corpus.cases(), ids=lambda p: f"{p.parent.name}-{p.stem}")
async def test_a_case_is_answered_as_its_file_says(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = corpus.read(path)
    monkeypatch.chdir(tmp_path)
    client = cluster()
    instance = Instance(DnsConfig(found.write_files(tmp_path)), lambda: client, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    try:
        server = next(iter(instance.servers.values()))
        for question in found.questions:
            for answer in await ask(server, question):
                assert answer == question.answer, str(question)
    finally:
        await instance.stop()


def test_there_are_cases_enough() -> None:
    assert len(corpus.cases()) >= FEWEST
