"""Where a replica that shares its node tells of its health."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from tests.ingress.world import eventually, free_port
from wherry.component.health import Health, HealthServer
from wherry.ingress import localhealth


async def test_the_port_is_taken_over_from_a_replica_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localhealth, "LOOK_SECONDS", 0.01)
    port = free_port()
    older, newer = HealthServer(port=port), HealthServer(port=port)
    newer.health.live("newer", lambda: "it is the newer one")

    async def newer_answers() -> bool:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/livez") as answer:
            return answer.status != 200

    await older.start()
    async with localhealth.shared(newer, shares=True):
        assert not await newer_answers()
        await older.stop()

        async def taken_over() -> bool:
            try:
                return await newer_answers()
            except aiohttp.ClientError:
                return False

        await eventually(taken_over, "the newer one has the port")


async def test_a_taken_port_is_an_error_for_who_does_not_share() -> None:
    async with HealthServer() as other:
        with pytest.raises(OSError, match="in use"):
            async with localhealth.shared(HealthServer(port=other.port), shares=False):
                pass


async def test_a_socket_file_tells_too(tmp_path: Path) -> None:
    path = tmp_path / "health.sock"
    path.touch()  # left behind
    async with localhealth.on_file(path, Health()):
        connector = aiohttp.UnixConnector(path=str(path))
        async with aiohttp.ClientSession(connector=connector) as session, session.get("http://x/livez") as answer:
            assert answer.status == 200
