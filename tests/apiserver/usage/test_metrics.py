"""`kubectl top`, with an agent that counts."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.resource import NODES, POD_METRICS, PODS

STARTED = "2026-01-01T00:00:00Z"


class Agent:
    """An agent whose containers use a tenth of a core, and its node half of one, by the second it is asked."""

    def __init__(self, cluster: Cluster):
        self.pods: list[Object] = []
        self.seconds = 0
        cluster.issue("agent", "system:node:n1", "system:nodes")
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(cluster.directory / "ca.crt"))
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._tls.load_cert_chain(cluster.directory / "agent.crt", cluster.directory / "agent.key")
        app = web.Application()
        app.router.add_get("/stats/summary", self._summary)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def start(self) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _summary(self, _: web.Request) -> web.Response:
        self.seconds += 1

        def used(share: int, mebibytes: int) -> Object:
            cpu = self.seconds * 1_000_000_000 // share
            return {"cpu": {"usageCoreNanoSeconds": cpu}, "memory": {"workingSetBytes": mebibytes << 20}}

        pods = [
            {
                "podRef": {"uid": pod["metadata"]["uid"]},
                "containers": [{"name": c["name"], "startTime": STARTED, **used(10, 64)} for c in _containers(pod)],
            }
            for pod in self.pods
        ]
        return web.json_response({"node": {"nodeName": "n1", **used(2, 512)}, "pods": pods})


def _containers(pod: Object) -> list[Object]:
    found: list[Object] = pod["spec"]["containers"]
    return found


@pytest.fixture
async def agent(cluster: Cluster) -> AsyncIterator[Agent]:
    """Node n1, whose agent counts for pods a (of two containers) and b."""
    agent = Agent(cluster)
    port = await agent.start()
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "allocatable": {"cpu": "2", "memory": "2Gi"},
        "capacity": {"cpu": "2", "memory": "2Gi"},
    }
    await cluster.client.create(NODES, {"metadata": {"name": "n1"}, "status": status})
    for name, containers in (("a", ("web", "side")), ("b", ("web",))):
        spec = {"nodeName": "n1", "containers": [{"name": c, "image": "i"} for c in containers]}
        made = await cluster.client.create(
            PODS, {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}, "demo"
        )
        agent.pods.append(made)
    yield agent
    await agent.stop()


async def test_kubectl_top_shows_what_agents_count(cluster: Cluster, agent: Agent) -> None:
    code, out, err = await cluster.kubectl("top", "pod", "-n", "demo", "--no-headers")
    assert code == 0, err
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["a"][1] == "128Mi"
    assert rows["b"][1] == "64Mi"
    assert 150 < int(rows["a"][0].removesuffix("m")) <= 200  # two tenths of a core, in a window of a second and a bit
    code, out, err = await cluster.kubectl("top", "pod", "-n", "demo", "--containers", "-l", "app=a", "--no-headers")
    assert [line.split()[:2] for line in out.splitlines()] == [["a", "side"], ["a", "web"]], err
    code, out, err = await cluster.kubectl("top", "node", "--no-headers")
    name, cpu, share, memory, memory_share = out.split()
    assert (name, memory, memory_share) == ("n1", "512Mi", "25%"), err
    assert 400 < int(cpu.removesuffix("m")) <= 500
    assert share.endswith("%")
    code, out, err = await cluster.kubectl("top", "pod", "c", "-n", "demo")
    assert 'pods.metrics.k8s.io "c" not found' in err


async def test_the_objects_are_those_of_metrics_server(cluster: Cluster, agent: Agent) -> None:
    status, _, found = await cluster.request(
        "GET", "/apis/metrics.k8s.io/v1beta1/namespaces/demo/pods?labelSelector=app=a"
    )
    assert status == 200
    assert (found["kind"], found["apiVersion"]) == ("PodMetricsList", "metrics.k8s.io/v1beta1")
    [item] = found["items"]
    assert set(item) == {"kind", "apiVersion", "metadata", "timestamp", "window", "containers"}
    assert item["metadata"]["labels"] == {"app": "a"}
    assert item["window"].startswith("1.") and item["window"].endswith("s")  # noqa: PT018
    assert item["containers"][0]["usage"]["memory"] == "65536Ki"
    assert item["containers"][0]["usage"]["cpu"].endswith("n")
    _, out, err = await cluster.kubectl("get", "podmetrics", "-n", "demo", "a")
    assert out.splitlines()[0].split() == ["NAME", "CPU", "MEMORY", "WINDOW"], err
    assert out.splitlines()[1].split()[2] == "131072Ki"
    inside = await cluster.client.list(POD_METRICS, "demo", labels="app=b")
    assert [obj["metadata"]["name"] for obj in inside.items] == ["b"]


async def test_nobody_can_write_or_watch_what_is_worked_out(cluster: Cluster, agent: Agent) -> None:
    path = "/apis/metrics.k8s.io/v1beta1/nodes"
    for method, where in (("POST", path), ("DELETE", f"{path}/n1"), ("PUT", f"{path}/n1"), ("GET", f"{path}?watch=1")):
        status, _, said = await cluster.request(method, where, {} if method != "GET" else None)
        assert (status, said["reason"]) == (405, "MethodNotAllowed"), where


async def test_an_agent_that_does_not_answer_leaves_its_pods_out(cluster: Cluster, agent: Agent) -> None:
    await agent.stop()
    code, _, err = await cluster.kubectl("top", "pod", "-n", "demo")
    assert "metrics not available yet" in err or "No resources found" in err
    assert code == 0 or "metrics not available" in err


async def test_group_and_apiservice_are_there(cluster: Cluster) -> None:
    _, out, err = await cluster.kubectl("get", "apiservice", "v1beta1.metrics.k8s.io", "--no-headers")
    assert out.split()[:3] == ["v1beta1.metrics.k8s.io", "Local", "True"], err
    _, out, err = await cluster.kubectl("explain", "podmetrics.containers")
    assert "usage" in out, err
