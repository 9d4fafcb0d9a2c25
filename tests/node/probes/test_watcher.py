"""When a container's probes are tried."""

from __future__ import annotations

import asyncio
import contextlib
import time

import aiohttp

from tests.node.build import container
from wherry.node.probes.check import ProbeTarget
from wherry.node.probes.watcher import Watcher


async def tries_until_ready(probe: dict[str, object], up_after: float, patience: float) -> tuple[bool, list[str]]:
    """Watch a container whose port opens after `up_after` seconds: is it ready in time, and what was reported?"""
    reported: list[str] = []
    ready = asyncio.Event()

    async def execute(command: object, timeout: float) -> tuple[int, str]:
        return (0, "") if time.time() - began >= up_after else (1, "not yet")

    began = time.time()
    async with aiohttp.ClientSession() as session:
        spec = container(readinessProbe=probe)
        watcher = Watcher(
            spec, ProbeTarget(spec, "127.0.0.1", session, execute), began, lambda health: ready.set(), reported.append
        )
        running = asyncio.ensure_future(watcher.run())
        await asyncio.sleep(up_after)
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", probe.get("port", 0))
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ready.wait(), patience)
        finally:
            running.cancel()
            server.close()
        return watcher.health.ready, reported


async def test_what_gets_ready_between_two_tries_is_seen_soon_and_only_regular_failures_are_reported(
    unused_tcp_port: int,
):
    probe = {"tcpSocket": {"port": unused_tcp_port}, "port": unused_tcp_port, "periodSeconds": 30}
    ready, reported = await tries_until_ready(probe, up_after=0.25, patience=1.0)
    assert ready
    assert len(reported) == 1


async def test_a_command_is_only_run_every_period():
    ready, reported = await tries_until_ready({"exec": {"command": ["x"]}, "periodSeconds": 30}, 0.1, patience=0.4)
    assert (ready, reported) == (False, ["Readiness probe failed: not yet"])


async def test_further_successes_that_are_needed_come_a_period_apart(unused_tcp_port: int):
    probe = {"tcpSocket": {"port": unused_tcp_port}, "port": unused_tcp_port, "periodSeconds": 30}
    ready, _ = await tries_until_ready({**probe, "successThreshold": 2}, up_after=0.05, patience=0.5)
    assert not ready
