"""Probes of real containers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node.kernel.world import World
from wherry.objects import Object

pytestmark = pytest.mark.kernel


class TestProbes:
    async def test_readiness_follows_the_probe(self, node: World):
        probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        node.create("slow", "sleep 1; touch /ready; sleep 1000", {"readinessProbe": probe})
        await node.until("runs", lambda: "running" in node.container("slow").get("state", {}))
        assert node.container("slow")["ready"] is False
        await node.running("slow")
        assert any("Readiness probe failed" in message for message in node.events("Unhealthy"))

    async def test_a_probed_container_is_never_told_as_ready_before_the_probe_says_so(
        self, node: World, monkeypatch: pytest.MonkeyPatch
    ):
        patch, told = node.api.patch, []

        async def listen(resource: Any, name: str, change: Any, *words: Any, **options: Any) -> Object:
            told.extend(change.get("status", {}).get("containerStatuses", ()))
            return await patch(resource, name, change, *words, **options)

        monkeypatch.setattr(node.api, "patch", listen)
        probe = {"exec": {"command": ["test", "-e", "/ready"]}, "periodSeconds": 1}
        node.create("shy", "sleep 1000", {"readinessProbe": probe, "startupProbe": probe})
        await node.until("a failed probe", lambda: node.events("Unhealthy"))
        assert any("running" in one["state"] for one in told)
        assert not [one for one in told if one["ready"] or one["started"]]

    async def test_a_failed_liveness_probe_restarts_the_container(self, node: World):
        probe = {"tcpSocket": {"port": 4321}, "periodSeconds": 1, "failureThreshold": 1}
        node.create("deaf", "trap 'exit 0' TERM; sleep 1000 & wait", {"livenessProbe": probe})
        await node.until("restarted", lambda: node.container("deaf").get("restartCount") == 1)
        assert node.events("Killing") == ["Container main failed liveness probe, will be restarted"]
        [unhealthy] = set(node.events("Unhealthy"))
        address = node.status("deaf")["podIP"]
        assert unhealthy == f"Liveness probe failed: dial tcp {address}:4321: connect: connection refused"

    async def test_an_http_probe_reaches_the_pod(self, node: World):
        probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 1}
        container = {"ports": [{"name": "web", "containerPort": 8002}], "readinessProbe": probe}
        node.create("http", "cd /tmp && mkdir -p site && exec python3 -m http.server -d site 8002", container)
        await node.running("http")
