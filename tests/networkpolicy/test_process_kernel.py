"""`wherry networkpolicy` as a process of its own, over HTTP, in a node's network namespace, with real traffic."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import yaml

from tests.client.front import Front
from tests.fake.client import FakeClient
from tests.networkpolicy.build import labelled, policy
from tests.networkpolicy.node import SPACES, pods
from tests.networkpolicy.test_component import NODE
from tests.proxy.outcome import DROP, PASS, Outcome
from tests.proxy.world import World, small_world
from wherry.objects.resource import NETWORK_POLICIES

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with small_world() as made:
        yield made


async def wherry(*args: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "wherry", "networkpolicy", *args)
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


@contextlib.asynccontextmanager
async def enforcing(kubeconfig: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await wherry(f"--kubeconfig={kubeconfig}", "--hostname-override=n1", "--port=10261")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_policies_hold_while_it_runs_and_after_it(world: World, tmp_path: Path) -> None:
    """Through start, change, kill -9, start again, SIGTERM and --cleanup."""
    whom = [{"from": [{"podSelector": labelled(pod="p2")}]}]
    let_in = policy(pods=labelled(pod="p1"), ingress=whom)
    closed = policy(pods=labelled(pod="p1"), ingress=[])

    async def seen(source: str, outcome: Outcome) -> None:
        async with asyncio.timeout(60):
            while await asyncio.to_thread(world.send, source, world.addresses["p1"], 8080) != outcome:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def scenario() -> None:
        client = FakeClient(NODE, *SPACES, *pods(), let_in)
        async with Front(client) as front:
            kubeconfig = tmp_path / "kubeconfig"
            kubeconfig.write_text(yaml.safe_dump(config(front.base)))
            async with enforcing(kubeconfig) as process:
                await seen("p3", DROP)
                await seen("p2", PASS)
                client.put(closed)
                await seen("p2", DROP)
                flush = await asyncio.create_subprocess_exec("nft", "flush", "ruleset")
                assert await flush.wait() == 0
                await seen("p2", DROP)
                process.kill()
            client.remove(NETWORK_POLICIES, "web", "demo")
            await seen("p2", DROP)
            client.put(let_in)
            async with enforcing(kubeconfig) as process:
                await seen("p2", PASS)
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 60) == 0
            await seen("p3", DROP)
            shown = await wherry("plan", f"--kubeconfig={kubeconfig}", "--node=n1")
            output = (await shown.communicate())[0].decode()
            assert (
                "add element ip wherry-networkpolicy ingress-of { 10.244.0.5 : goto pods/ingress/demo/web }" in output
            )
            await (await wherry("--cleanup")).wait()
            await seen("p3", PASS)

    world.inside("host", scenario)


def config(server: str) -> dict[str, object]:
    return {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
    }
