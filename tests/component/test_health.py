"""What probes and Prometheus see."""

import aiohttp
import pytest

from wherry.component.health import HealthServer
from wherry.telemetry import metrics


@pytest.fixture
async def server():
    async with HealthServer() as running:
        yield running


async def get(server: HealthServer, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_without_checks_all_is_well(server, path):
    assert await get(server, path) == (200, "ok")


async def test_a_failing_readiness_check_is_named_and_its_reason_kept_to_the_log(server):
    server.health.live("loop", lambda: None)
    server.health.ready("synced", lambda: "waiting for services")
    status, text = await get(server, "/readyz")
    assert status == 503
    assert text.splitlines() == ["[+]loop ok", "[-]synced failed: reason withheld", "readyz check failed"]


async def test_a_failing_readiness_check_leaves_the_component_alive(server):
    server.health.ready("synced", lambda: "waiting")
    assert await get(server, "/livez") == (200, "ok")
    assert await get(server, "/healthz") == (200, "ok")


async def test_verbose_lists_the_checks_and_exclude_skips_one(server):
    server.health.live("loop", lambda: None)
    server.health.live("disk", lambda: "full")
    assert await get(server, "/livez?verbose&exclude=disk") == (200, "[+]loop ok\nlivez check passed\n")


async def test_metrics_are_served_from_the_registry_of_our_own(server):
    seen = metrics.counter("wherry_test_seen_total", "Things seen.", ["what"])
    try:
        seen.labels("boat").inc(2)
        status, text = await get(server, "/metrics")
    finally:
        metrics.registry.unregister(seen)
    assert status == 200
    assert 'wherry_test_seen_total{what="boat"} 2.0' in text
    assert "process_resident_memory_bytes" in text


async def test_a_taken_port_is_an_oserror(server):
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        await HealthServer(port=server.port).start()
