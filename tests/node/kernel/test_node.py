"""The node itself: its objects, its server."""

from __future__ import annotations

import json
import ssl

import aiohttp
import pytest

from tests.node.kernel.world import ADDRESS, NAME, World
from wherry.objects.resource import LEASES, NODES

pytestmark = pytest.mark.kernel


async def test_the_node_registers_itself_with_a_lease(node: World):
    await node.until("lease", lambda: node.api.peek(LEASES, NAME, "kube-node-lease"))
    found = node.api.peek(NODES, NAME)
    assert found is not None
    assert found["spec"]["podCIDR"] == "10.244.1.0/24"
    assert {"type": "InternalIP", "address": ADDRESS} in found["status"]["addresses"]
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].split("://")[0] in ("runc", "crun")


async def test_its_server_answers_an_administrator_with_logs_and_what_there_is(node: World):
    node.create("chatty", "echo hello; sleep 1000")
    await node.running("chatty")
    await node.printed("chatty", 1)
    tls = ssl.create_default_context(cafile=str(node.pki / "ca.crt"))
    tls.load_cert_chain(node.pki / "admin.crt", node.pki / "admin.key")

    async def get(path: str) -> str:
        url = f"https://{ADDRESS}:10250{path}"
        async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    assert await get("/containerLogs/demo/chatty/main") == "hello\n"
    assert "kubelet.log" in await get("/logs/")
    [folder] = [f.name for f in (node.config.state_dir / "logs").iterdir()]
    assert "hello" in await get(f"/logs/pods/{folder}/main/0.log")
    assert "a line of the agent's" in await get("/logs/?query=kubelet")
    assert json.loads(await get("/configz"))["kubeletconfig"]["clusterDomain"] == "cluster.local"
    [used] = json.loads(await get("/stats/summary"))["pods"]
    assert used["podRef"]["name"] == "chatty"
    assert used["containers"][0]["cpu"]["usageCoreNanoSeconds"] > 0
    assert [pod["metadata"]["name"] for pod in json.loads(await get("/pods"))["items"]] == ["chatty"]
    assert await get("/healthz") == "ok"
