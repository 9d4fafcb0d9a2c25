"""A greedy client waits for itself; the others are answered meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.attacks.raw import Raw, connect, head
from wherry.apiserver.flowcontrol import levels
from wherry.apiserver.flowcontrol.control import FlowControl
from wherry.apiserver.flowcontrol.levels import Limits
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS
from wherry.telemetry import metrics

PATH = "/api/v1/namespaces/default/configmaps"
FEW = {"system": 4, "administrators": 4, "workload-low": 4, "global-default": 4, "catch-all": 2}
"""Seats by level."""
USERS = ("greedy", "modest")


@contextmanager
def few_seats(monkeypatch: pytest.MonkeyPatch, wait: float = 60.0, longest: int = 512) -> Iterator[None]:
    limits = {name: Limits(seats, longest, 2048) for name, seats in FEW.items()}
    monkeypatch.setattr(levels, "read", lambda listed: limits)
    monkeypatch.setattr("wherry.apiserver.server.FlowControl", lambda state: FlowControl(state, wait))
    yield


@asynccontextmanager
async def shared(directory: Path) -> AsyncIterator[Cluster]:
    """A server with two users of one level who may write, and a node."""
    async with Cluster(directory) as cluster:
        for user in USERS:
            cluster.issue(user, user)
        cluster.issue("node", "system:node:n1", "system:nodes")
        await cluster.client.create(
            CLUSTER_ROLE_BINDINGS,
            {
                "metadata": {"name": "both"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"} for user in USERS],
            },
        )
        yield cluster


async def take_seat(cluster: Cluster, user: str) -> Raw:
    """Begin a write whose body does not come."""
    client = await connect(cluster, user)
    client.writer.write(head("POST", PATH, Content_Length="30", Content_Type="application/json"))
    return client


async def ask(cluster: Cluster, user: str, path: str = f"{PATH}?limit=1") -> Raw:
    client = await connect(cluster, user)
    client.writer.write(head("GET", path))
    return client


async def seen(name: str, level: str, value: float) -> None:
    async with asyncio.timeout(10):
        while shown(name, priority_level=level) != value:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def shown(name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"apiserver_flowcontrol_{name}", labels)


@pytest.fixture
def seats(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with few_seats(monkeypatch):
        yield


@pytest.mark.usefixtures("seats")
async def test_others_of_its_level_other_levels_and_probes_are_answered_while_a_client_holds_all_it_may(
    tmp_path: Path,
) -> None:
    async with shared(tmp_path) as cluster:
        greedy = [await take_seat(cluster, "greedy") for _ in range(10)]
        await seen("current_inqueue_requests", "global-default", 8)
        others = [await ask(cluster, user) for user in ("modest", "admin", "node")]
        others.append(await ask(cluster, "greedy", "/readyz"))
        async with asyncio.timeout(10):
            assert [await one.status() for one in others] == [200, 200, 403, 200]
        await seen("current_executing_seats", "global-default", 2)
        for number, client in enumerate(greedy):
            client.writer.write(f'{{"metadata":{{"name":"m{number}"}}}}'.ljust(30).encode())
        async with asyncio.timeout(10):
            assert {await client.status() for client in greedy} == {201}  # it had to wait, and lost nothing
        for client in [*greedy, *others]:
            client.writer.close()
        await seen("current_executing_seats", "global-default", 0)


async def test_a_queue_that_is_full_says_when_to_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with few_seats(monkeypatch, longest=3):
        await _full_queue(tmp_path)


async def _full_queue(directory: Path) -> None:
    async with shared(directory) as cluster:
        before = shown("rejected_requests_total", **REFUSED, reason="queue-full") or 0
        held = [await take_seat(cluster, "greedy") for _ in range(5)]
        await seen("current_inqueue_requests", "global-default", 3)
        code, headers, status = await cluster.request("GET", PATH, user="greedy")
        assert (code, headers["retry-after"], status["reason"]) == (429, "1", "TooManyRequests")
        assert status["details"]["retryAfterSeconds"] == 1
        assert shown("rejected_requests_total", **REFUSED, reason="queue-full") == before + 1
        assert (await cluster.request("GET", PATH, user="modest"))[0] == 200
        for client in held:
            client.writer.transport.abort()
        await seen("current_executing_seats", "global-default", 0)  # who goes leaves seats and places behind
        await seen("current_inqueue_requests", "global-default", 0)
        assert (await cluster.request("GET", PATH, user="greedy"))[0] == 200


REFUSED = {"priority_level": "global-default", "flow_schema": "global-default"}


async def test_who_waits_in_a_queue_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with few_seats(monkeypatch, wait=0.2):
        async with shared(tmp_path) as cluster:
            held = [await take_seat(cluster, "greedy") for _ in range(2)]
            await seen("current_executing_seats", "global-default", 2)
            code, headers, _ = await cluster.request("GET", PATH, user="greedy")
            assert (code, headers["retry-after"]) == (429, "1")
            for client in held:
                client.writer.transport.abort()


@pytest.mark.usefixtures("seats")
async def test_watches_that_have_begun_take_no_seats(tmp_path: Path) -> None:
    async with shared(tmp_path) as cluster:
        watches = [await ask(cluster, "greedy", f"{PATH}?watch=1") for _ in range(10)]
        async with asyncio.timeout(10):
            assert {await watch.status() for watch in watches} == {200}
        await seen("current_executing_seats", "global-default", 0)
        assert (await cluster.request("GET", PATH, user="greedy"))[0] == 200
        for watch in watches:
            watch.writer.close()


@pytest.mark.usefixtures("seats")
async def test_a_list_that_nobody_takes_holds_its_seats_and_no_more_is_made(tmp_path: Path) -> None:
    """Else each answer would lie in memory until its client is let go."""
    async with shared(tmp_path) as cluster:
        for i in range(12):
            made = {"metadata": {"name": f"large-{i}"}, "data": {"x": "x" * 900_000}}
            assert (await cluster.request("POST", PATH, made))[0] == 201
        lists = [await ask(cluster, "greedy", PATH) for _ in range(6)]
        for one in lists:
            one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # that of TLS has it
        await seen("current_inqueue_requests", "global-default", 4)
        assert (await cluster.request("GET", f"{PATH}/large-1", user="modest"))[0] == 200
        assert shown("current_executing_requests", priority_level="global-default") == 2
        for one in lists:
            one.writer.transport.abort()
        await seen("current_executing_seats", "global-default", 0)


async def test_what_is_measured_has_upstreams_names(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        _, _, text = await cluster.request("GET", "/metrics")
        for name in ("nominal_limit_seats", "current_executing_seats", "current_inqueue_requests"):
            assert f'apiserver_flowcontrol_{name}{{priority_level="administrators"}}' in text
        labels = 'flow_schema="exempt",priority_level="administrators"'
        assert f"apiserver_flowcontrol_dispatched_requests_total{{{labels}}}" in text
        assert "# TYPE apiserver_flowcontrol_rejected_requests_total counter" in text
        assert "# TYPE apiserver_flowcontrol_request_wait_duration_seconds histogram" in text
