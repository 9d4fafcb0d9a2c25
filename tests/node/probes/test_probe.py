"""What a series of tries amounts to, and what one try says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.node.build import container
from wherry.node.probes import probe as probes
from wherry.node.probes.check import CheckError, ProbeTarget, check, port, url
from wherry.node.probes.probe import Series
from wherry.node.runtime.containers import ExecTimeoutError
from wherry.objects import Object


def series(holds: bool, success: int = 1, failure: int = 3) -> Series:
    spec = container(livenessProbe={"exec": {}, "successThreshold": success, "failureThreshold": failure})
    probe = probes.of(spec, "liveness")
    assert probe is not None
    return Series(probe, holds)


@pytest.mark.parametrize(
    ("tries", "holds"),
    [("--", True), ("---", False), ("--+--", True), ("---+", True)],
)
def test_thresholds_count_in_a_row(tries: str, holds: bool):
    counted = series(holds=True)
    for one in tries:
        counted.add(one == "+")
    assert counted.holds is holds


def test_a_success_threshold_counts_too():
    counted = series(holds=False, success=2)
    assert [counted.add(True), counted.holds, counted.add(True), counted.holds] == [False, False, True, True]


def test_defaults_are_the_apis():
    probe = probes.of(container(readinessProbe={"tcpSocket": {"port": 1}}), "readiness")
    assert probe is not None
    assert (probe.initial_delay, probe.period, probe.timeout, probe.failure_threshold) == (0.0, 10.0, 1.0, 3)
    assert probes.of(container(), "liveness") is None


Execute = Callable[[Sequence[str], float], Any]


@asynccontextmanager
async def target(execute: Execute | None = None, connecting: Callable[[], object] = int) -> AsyncIterator[ProbeTarget]:
    async with aiohttp.ClientSession() as session:
        named = container(ports=[{"name": "web", "containerPort": 8002}])
        execute = execute or (lambda command, timeout: asyncio.sleep(0, (0, "")))
        yield ProbeTarget(named, "127.0.0.1", session, execute, connecting)


@asynccontextmanager
async def server(status: int, pause: float = 0.0) -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(pause)
        return web.Response(status=status, headers={"Location": "/elsewhere"}, text=request.headers.get("X", ""))

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def attempt(action: Object, timeout: float = 1.0, execute: Execute | None = None) -> str:
    """Return "" for a success, else the message."""
    async with target(execute) as aim:
        try:
            await check(action, aim, timeout)
        except CheckError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(("status", "message"), [(200, ""), (302, ""), (404, "404"), (503, "503")])
async def test_an_http_answer_below_400_is_a_success(status: int, message: str):
    async with server(status) as number:
        found = await attempt({"httpGet": {"port": number, "path": "healthz"}})
    assert found == (f"HTTP probe failed with statuscode: {message}" if message else "")


async def test_a_slow_answer_is_a_failure_in_gos_words():
    async with server(200, pause=0.3) as number:
        found = await attempt({"httpGet": {"port": number}}, timeout=0.05)
    problem = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    assert found == f'Get "http://127.0.0.1:{number}/": {problem}'


async def test_a_closed_port_is_refused_in_gos_words(unused_tcp_port: int):
    refused = f"dial tcp 127.0.0.1:{unused_tcp_port}: connect: connection refused"
    assert await attempt({"tcpSocket": {"port": unused_tcp_port}}) == refused
    found = await attempt({"httpGet": {"port": unused_tcp_port, "path": "/ready"}})
    assert found == f'Get "http://127.0.0.1:{unused_tcp_port}/ready": {refused}'


async def test_an_open_port_is_enough_for_tcp():
    async with server(500) as number:
        assert await attempt({"tcpSocket": {"port": number}}) == ""


async def test_what_a_probe_connects_to_is_told_so_that_it_counts_as_no_clients_connection():
    told: list[None] = []
    async with server(200) as number, target(connecting=lambda: told.append(None)) as at:
        for action in ({"tcpSocket": {"port": number}}, {"httpGet": {"port": number}}, {"exec": {"command": ["true"]}}):
            await check(action, at, 1)
        assert len(told) == 2
        await check({"tcpSocket": {"port": number, "host": "localhost"}}, at, 1)
        assert len(told) == 2  # the pod is at another address


async def test_a_command_fails_by_its_exit_code_with_its_output():
    async def fail(command: Sequence[str], timeout: float) -> tuple[int, str]:
        return 1, f"ran {' '.join(command)}"

    assert await attempt({"exec": {"command": ["cat", "/x"]}}, execute=fail) == "ran cat /x"


async def test_a_command_that_takes_too_long_fails():
    async def hang(command: Sequence[str], timeout: float) -> tuple[int, str]:
        raise ExecTimeoutError('command "sleep 9" timed out')

    assert await attempt({"exec": {"command": ["sleep", "9"]}}, execute=hang) == 'command "sleep 9" timed out after 1s'


async def test_ports_can_be_named():
    async with target() as aim:
        assert url({"port": "web", "scheme": "HTTPS", "path": "/a"}, aim) == "https://127.0.0.1:8002/a"
        assert port("9000", aim.container) == 9000
        with pytest.raises(CheckError, match="couldn't find port: grpc"):
            port("grpc", aim.container)
