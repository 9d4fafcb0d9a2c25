"""Very many connections at a time: who uses one keeps it, and there is always room for one who comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.attacks.raw import Raw, connect, head
from wherry.apiserver.web import crowd

MOST = 8
WATCH = "/api/v1/namespaces/default/configmaps?watch=true"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be too many soon."""
    monkeypatch.setattr(crowd, "MOST", MOST)


@asynccontextmanager
async def crowded(directory: Path) -> AsyncIterator[Cluster]:
    async with Cluster(directory) as cluster, asyncio.timeout(30):
        for name in ("greedy", "modest"):
            cluster.issue(name, name, "system:masters")
        yield cluster


async def asks(cluster: Cluster, user: str = "modest") -> None:
    client = await connect(cluster, user)
    client.writer.write(head("GET", "/version"))
    assert await client.status() == 200
    client.writer.close()


async def watches(cluster: Cluster, user: str) -> Raw:
    client = await connect(cluster, user)
    client.writer.write(head("GET", WATCH))
    assert await client.status() == 200
    return client


async def test_who_says_nothing_makes_room(tmp_path: Path) -> None:
    async with crowded(tmp_path) as cluster:
        silent = [Raw(*await asyncio.open_connection(*cluster.sock.getsockname())) for _ in range(3 * MOST)]
        await asks(cluster)
        for client in silent[:MOST]:
            assert await client.closed() == b""
        for client in silent:
            client.writer.close()


async def test_who_has_asked_and_asks_no_more_makes_room_and_a_watch_stays(tmp_path: Path) -> None:
    async with crowded(tmp_path) as cluster:
        watching = await watches(cluster, "modest")
        idle = [await connect(cluster) for _ in range(3 * MOST)]
        await asks(cluster)
        for client in idle[:MOST]:
            assert await client.closed() == b""
        await cluster.request("POST", WATCH.partition("?")[0], {"metadata": {"name": "a"}})
        assert b'"ADDED"' in await watching.reader.readuntil(b"}\n")
        for client in (watching, *idle):
            client.writer.close()


async def test_who_has_more_than_half_makes_room(tmp_path: Path) -> None:
    async with crowded(tmp_path) as cluster:
        watching = [await watches(cluster, "modest")]
        greedy = [await watches(cluster, "greedy") for _ in range(3 * MOST)]
        await asks(cluster)
        assert not watching[0].reader.at_eof()
        await greedy[0].closed()
        for client in (*watching, *greedy):
            client.writer.close()


async def test_an_anonymous_crowd_is_told_apart_by_address_and_holds_nobody_up(tmp_path: Path) -> None:
    """A head that never ends is waited for like a request that never comes."""
    async with crowded(tmp_path) as cluster:
        slow = [await connect(cluster) for _ in range(2 * MOST)]
        for client in slow:
            client.writer.write(b"GET /version HTTP/1.1\r\nX-Slow: ")
        await asks(cluster)
        for client in slow:
            client.writer.close()


@dataclass(eq=False)
class Guest:
    owner: str | int | None
    idle_since: float | None = None

    def drop(self) -> None:
        raise AssertionError("somebody else does that")


def test_nobody_leaves_where_all_are_busy_and_none_is_greedy() -> None:
    assert crowd.leaving([Guest(name) for name in "abcd"], 4) is None
    two_each = [Guest(number // 2) for number in range(4096)]
    assert crowd.leaving(two_each, 4096) is None


def test_a_few_that_together_hold_all_there_is_shut_nobody_out() -> None:
    guests = [Guest("node"), *(Guest(name) for name in "abc" for _ in range(1365))]
    leaving = crowd.leaving(guests, 4096)
    assert leaving is not None
    assert leaving.owner != "node"


def test_the_one_waited_for_longest_leaves() -> None:
    guests = [Guest("a", 3.0), Guest("b", 2.0), Guest("b"), Guest("b")]
    assert crowd.leaving(guests, 4) is guests[1]


def test_without_anybody_idle_one_of_the_greediest_leaves() -> None:
    guests = [Guest("b"), Guest("a"), Guest("a"), Guest("a")]
    leaving = crowd.leaving(guests, 4)
    assert leaving is not None
    assert leaving.owner == "a"
