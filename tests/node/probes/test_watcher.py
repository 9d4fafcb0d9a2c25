"""When a container's probes are tried, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.node.build import container
from tests.virtual import in_virtual_time
from wherry.node.probes import watcher as watching
from wherry.node.probes.check import CheckError, ProbeTarget
from wherry.node.probes.watcher import Watcher

TCP: dict[str, Any] = {"tcpSocket": {"port": 80}, "periodSeconds": 30}
COMMAND: dict[str, Any] = {"exec": {"command": ["x"]}, "periodSeconds": 30}


def watch(
    monkeypatch: pytest.MonkeyPatch, probe: dict[str, Any], up_after: float, patience: float
) -> tuple[float | None, list[str]]:
    """Watch a container that answers after `up_after` seconds: when was it ready, and what was reported?"""
    reported: list[str] = []

    async def check(action: object, target: object, timeout: float) -> None:
        if asyncio.get_running_loop().time() < up_after:
            raise CheckError("not yet")

    async def main() -> float | None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(watching, "check", check)
        monkeypatch.setattr(watching, "time", SimpleNamespace(time=loop.time))
        ready = loop.create_future()
        watcher = Watcher(
            container(readinessProbe=probe),
            cast(ProbeTarget, None),
            loop.time(),
            lambda health: ready.done() or ready.set_result(loop.time()),
            reported.append,
        )
        running = asyncio.ensure_future(watcher.run())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ready, patience)
        running.cancel()
        return ready.result() if watcher.health.ready else None

    return in_virtual_time(main()), reported


def test_what_gets_ready_between_two_tries_is_seen_soon_and_only_regular_failures_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready, reported = watch(monkeypatch, TCP, up_after=10, patience=20)
    assert ready is not None
    assert 10 <= ready <= 12.1
    assert reported == ["Readiness probe failed: not yet"]


def test_a_command_is_only_run_every_period(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, COMMAND, up_after=10, patience=100) == (30.0, ["Readiness probe failed: not yet"])


def test_further_successes_that_are_needed_come_a_period_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    once, _ = watch(monkeypatch, TCP, up_after=10, patience=100)
    twice, _ = watch(monkeypatch, {**TCP, "successThreshold": 2}, up_after=10, patience=100)
    assert once is not None
    assert twice is not None
    assert twice == pytest.approx(once + 30)
