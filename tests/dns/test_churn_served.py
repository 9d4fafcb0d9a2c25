"""A server that is asked while its cluster churns and its Corefile changes: no answer is wrong, and none is missing."""

import asyncio
import os
import random
import signal
import time
from ipaddress import IPv4Address
from pathlib import Path

import cluster
import pytest
from churning import Asked, Asker, Change, History, State, ask_on
from ports import HOST, free_port

from tests.fake.client import FakeClient
from wherry.dns import component
from wherry.dns.instance import DnsConfig
from wherry.objects.resource import SERVICES

COREFILE = ".:{port} {{\n kubernetes cluster.local {{\n  ttl {ttl}\n }}\n cache 30\n loadbalance\n}}\n"
CHANGES = 400
SERVICES_COUNT = 40
PATIENCE_SECONDS = 60.0  # what is slow on a busy machine is not lost


def change(client: FakeClient, number: int, dice: random.Random, there: set[int]) -> State:
    """Change one Service; return what its name stands for now. `there` are those that exist."""
    name, address = f"svc-{number}", f"10.{number}.{dice.randrange(256)}.{dice.randrange(256)}"
    if number % 4 == 0:
        endpoints = [f"10.{number}.{dice.randrange(256)}.{n}" for n in range(dice.randrange(20))]
        client.put(cluster.service(name, clusterIP="None", clusterIPs=["None"], ports=[{"port": 80}]))
        client.put(cluster.slice_of(name, *map(cluster.endpoint, endpoints)))
        return frozenset(IPv4Address(ip).packed for ip in endpoints)
    if number in there and dice.random() < 0.3:
        there.remove(number)
        client.remove(SERVICES, name, "demo")
        return None
    there.add(number)
    client.put(cluster.service(name, clusterIP=address, clusterIPs=[address], ports=[{"port": 80}]))
    return frozenset((IPv4Address(address).packed,))


async def churn(client: FakeClient, history: History, corefile: Path, port: int) -> None:
    """Change everything, and the Corefile twice."""
    dice, there = random.Random(3), set[int]()
    for number in range(SERVICES_COUNT):
        history.add(Change(f"svc-{number}.demo.svc.cluster.local", 0, 0, None))
    for count in range(CHANGES + SERVICES_COUNT):
        number = count if count < SERVICES_COUNT else dice.randrange(SERVICES_COUNT)
        before = time.monotonic()
        state = change(client, number, dice, there)
        history.add(Change(f"svc-{number}.demo.svc.cluster.local", before, time.monotonic(), state))
        if count in (CHANGES // 3, CHANGES * 2 // 3):
            corefile.write_text(COREFILE.format(port=port, ttl=count % 60))
            os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.sleep(0.002)


async def test_no_answer_is_wrong_or_missing_while_the_cluster_and_the_corefile_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    corefile, port, client, history = tmp_path / "Corefile", free_port(), await cluster.fake(), History()
    corefile.write_text(COREFILE.format(port=port, ttl=5))
    serving = asyncio.create_task(component.run(lambda: client, DnsConfig(corefile, HOST)))
    async with asyncio.timeout(60):
        while "synced" not in caplog.text:  # noqa: ASYNC110 - the server says so
            await asyncio.sleep(0.01)
    history.add(Change("mysql.demo.svc.cluster.local", 0, 0, frozenset((IPv4Address("10.100.42.154").packed,))))
    asker, stopped = await Asker.open(port, PATIENCE_SECONDS), asyncio.Event()
    asking = asyncio.create_task(ask_on(lambda: [asker], history, 500, stopped))
    await churn(client, history, corefile, port)
    async with asyncio.timeout(60):
        while "reloaded" not in caplog.text:  # noqa: ASYNC110 - the server says so
            await asyncio.sleep(0.01)
    stopped.set()
    told = await asking
    async with asyncio.timeout(60):
        for name in sorted({a.name for a in told}):
            while history.lag(await asker.ask(name)) != 0:  # noqa: ASYNC110 - what is kept must not stay
                await asyncio.sleep(0.01)
    asker.close()
    assert [a for a in told if a.rcode is None or history.lag(a) is None] == []
    assert len({a.name for a in told}) > SERVICES_COUNT // 2
    serving.cancel()
    await asyncio.wait([serving])


def test_what_was_never_true_or_is_no_more_is_noticed() -> None:
    history, one, two = History(), frozenset((b"1",)), frozenset((b"2",))
    for at, state in ((10, one), (20, two), (30, None)):
        history.add(Change("a", at, at + 1, state))

    def lag(sent: float, rcode: int, found: frozenset[bytes] = frozenset()) -> float | None:
        return history.lag(Asked("a", sent, sent + 0.5, rcode, found))

    assert lag(15, 0, one) == 0
    assert lag(20, 0, one) == 0  # the change is under way
    assert lag(25, 0, one) == 4
    assert lag(35, 3) == 0
    assert lag(25, 3) is None  # not yet
    assert lag(25, 0, one | two) is None
