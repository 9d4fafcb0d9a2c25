"""`wherry ingress` as a process of its own, against a real API server over HTTPS.

It has a ServiceAccount's token and just the rights its manifest grants: our own manifest, and the article's, which
knows neither EndpointSlices nor IngressClasses.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from tests.apiserver.accounts import answered, create, token_kubeconfig
from tests.apiserver.harness import Cluster, give_default_accounts
from tests.ingress.objects import endpoint_slice, service
from tests.ingress.world import Backend, eventually, free_port, needs_nginx
from wherry.objects import Object
from wherry.objects.resource import (
    ENDPOINT_SLICES,
    ENDPOINTS,
    EVENTS,
    INGRESSES,
    NAMESPACES,
    PODS,
    SERVICES,
    Resource,
)

pytestmark = needs_nginx

ROOT = Path(__file__).parents[2]
MANIFESTS = {
    "addon": ROOT / "wherry/ingress/manifest.yaml",
    "article": ROOT / "examples/ingress/mandatory.yaml",
}
OLD_INGRESSES = Resource("extensions", "v1beta1", "ingresses", "Ingress")
ARTICLE_INGRESS = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: myblog
  namespace: demo
  annotations: {nginx.ingress.kubernetes.io/no-such: "true"}
spec:
  rules:
  - host: myblog.devops.cn
    http:
      paths:
      - path: /
        backend:
          serviceName: myblog
          servicePort: 80
"""
NOBODY = 65534


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path) as cluster:
        yield cluster


class Process:
    """A running `wherry ingress`."""

    def __init__(self, process: asyncio.subprocess.Process, http_port: int, health_port: int):
        self.process = process
        self.http_port = http_port
        self.health_port = health_port
        self.log = ""

    async def read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log += line.decode()

    async def get(self, port: int, path: str, host: str) -> tuple[int, str]:
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host}) as answer,
            ):
                return answer.status, await answer.text()
        except aiohttp.ClientError:
            return 0, ""

    async def healthy(self) -> bool:
        assert self.process.returncode is None, self.log
        return (await self.get(self.health_port, "/healthz", "x"))[0] == 200


async def install(cluster: Cluster, manifest: Path) -> tuple[Object, str]:
    """Apply a manifest, and make the pod its Deployment would; return the Deployment's container, and its namespace."""
    objects = list(yaml.safe_load_all(manifest.read_text()))
    await create(cluster, objects)
    deployment = next(o for o in objects if o["kind"] == "Deployment")
    template, namespace = deployment["spec"]["template"], deployment["metadata"]["namespace"]
    await give_default_accounts(cluster.client, namespace)
    pod = {"metadata": {**template["metadata"], "name": "controller"}, "spec": template["spec"]}
    made = await cluster.client.create(PODS, pod, namespace)
    status = {"hostIP": "192.168.51.210", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    await cluster.client.update(PODS, {**made, "status": status}, subresource="status")
    container: Object = template["spec"]["containers"][0]
    return container, namespace


async def expose(cluster: Cluster, backend: Backend) -> None:
    """Make the Service and both kinds of endpoints: no controllers run here."""
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
    made = service("myblog", {"port": 80, "targetPort": 8002})
    del made["spec"]["clusterIP"]
    await cluster.client.create(SERVICES, made, "demo")
    await cluster.client.create(ENDPOINT_SLICES, endpoint_slice("myblog", ("10.244.1.25", backend.port)), "demo")
    subsets = [{"addresses": [{"ip": "10.244.1.25"}], "ports": [{"port": backend.port}]}]
    await cluster.client.create(ENDPOINTS, {"metadata": {"name": "myblog"}, "subsets": subsets}, "demo")


async def token_config(cluster: Cluster, directory: Path, namespace: str) -> Path:
    return await token_kubeconfig(cluster, directory, namespace, "nginx-ingress-serviceaccount")


@asynccontextmanager
async def started(
    container: Object, namespace: str, kubeconfig: Path, directory: Path, **process: Any
) -> AsyncIterator[Process]:
    http_port, https_port, health_port = free_port(), free_port(), free_port()
    arguments = [a.replace("$(POD_NAMESPACE)", namespace) for a in container["args"]]
    own = [
        f"--kubeconfig={kubeconfig}",
        f"--http-port={http_port}",
        f"--https-port={https_port}",
        f"--healthz-port={health_port}",
        f"--nginx-dir={directory / 'nginx'}",
    ]
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "wherry", "ingress", *arguments, *own),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "POD_NAME": "controller", "POD_NAMESPACE": namespace},
        **process,
    )
    found = Process(running, http_port, health_port)
    reading = asyncio.create_task(found.read_log())
    try:
        await eventually(found.healthy, "the controller is healthy")
        yield found
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(running.wait(), 60)
        await reading
        assert code == 0, found.log


@pytest.mark.parametrize("name", MANIFESTS)
async def test_the_article_ingress_is_served_with_the_rights_of_the_manifest(
    name: str, cluster: Cluster, nginx_dir: Path
) -> None:
    before = answered(403)
    async with Backend("blog") as backend:
        container, namespace = await install(cluster, MANIFESTS[name])
        await expose(cluster, backend)
        await cluster.client.create(OLD_INGRESSES, yaml.safe_load(ARTICLE_INGRESS), "demo")
        kubeconfig = await token_config(cluster, nginx_dir, namespace)
        async with started(container, namespace, kubeconfig, nginx_dir) as running:
            conf = (nginx_dir / "nginx" / "nginx.conf").read_text()
            assert 'server_name "myblog.devops.cn";' in conf
            assert 'set $proxy_upstream_name "demo/myblog/80";' in conf

            async def addressed() -> bool:
                found = await cluster.client.get(INGRESSES, "myblog", "demo")
                return bool(found["status"]["loadBalancer"].get("ingress") == [{"ip": "192.168.51.210"}])

            await eventually(addressed, "the Ingress has the node's address")

            async def told() -> bool:
                events = (await cluster.client.list(EVENTS, "demo")).items
                return any("without effect: no-such" in e["message"] for e in events)

            await eventually(told, "the annotation is named in an Event")
            await cluster.client.delete(ENDPOINT_SLICES, "myblog-abc", "demo")
            await cluster.client.delete(ENDPOINTS, "myblog", "demo")

            async def refused() -> bool:
                return (await running.get(running.http_port, "/", "myblog.devops.cn"))[0] == 503

            await eventually(refused, "a Service without endpoints answers 503")
        assert ("following Endpoints instead" in running.log) is (name == "article")
        assert "cannot follow" not in running.log
        assert "draining" in running.log
        assert not (await cluster.client.get(INGRESSES, "myblog", "demo"))["status"]["loadBalancer"], running.log
    refused = {what for what, count in answered(403).items() if count > before.get(what, 0)}
    assert {resource for _, resource in refused} == (
        {"endpointslices", "ingressclasses"} if name == "article" else set()
    )


def others_may_reach(path: str) -> bool:
    """Tell whether every user may, by this path and by the one it is a link to."""
    return all(folder.stat().st_mode & 0o001 for p in (Path(path), Path(path).resolve()) for folder in p.parents)


@pytest.mark.skipif(
    os.geteuid() != 0 or not others_may_reach(sys.executable),
    reason="needs root to become another user, and an interpreter that user can reach",
)
async def test_it_runs_as_a_user_without_rights(cluster: Cluster, nginx_dir: Path) -> None:
    async with Backend("blog") as backend:
        container, namespace = await install(cluster, MANIFESTS["article"])
        await expose(cluster, backend)
        kubeconfig = await token_config(cluster, nginx_dir, namespace)
        for path in (nginx_dir, *nginx_dir.iterdir()):
            shutil.chown(path, NOBODY)
        async with started(
            container, namespace, kubeconfig, nginx_dir, user=NOBODY, group=NOBODY, extra_groups=[]
        ) as running:
            assert (await running.get(running.http_port, "/", "nobody.test"))[0] == 404
            assert (nginx_dir / "nginx" / "control").stat().st_uid == NOBODY


async def children(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(child) for child in found.split()}


async def test_a_killed_controller_comes_back_to_an_nginx_that_served_meanwhile(
    cluster: Cluster, nginx_dir: Path
) -> None:
    async with Backend("blog") as backend:
        container, namespace = await install(cluster, MANIFESTS["addon"])
        await expose(cluster, backend)
        await cluster.client.create(OLD_INGRESSES, yaml.safe_load(ARTICLE_INGRESS), "demo")
        kubeconfig = await token_config(cluster, nginx_dir, namespace)
        async with started(container, namespace, kubeconfig, nginx_dir) as running:
            guardian = running.process.pid
            (controller,) = await children(guardian)
            master = int((nginx_dir / "nginx" / "nginx.pid").read_text())
            answers: Counter[int] = Counter()

            async def ask() -> None:
                while True:
                    status, _ = await running.get(running.http_port, "/", "myblog.devops.cn")
                    answers[status] += 1

            asking = asyncio.create_task(ask())
            os.kill(controller, signal.SIGKILL)

            async def another() -> bool:
                return bool(await children(guardian) - {controller, master})

            await eventually(another, "another controller")
            await cluster.client.delete(ENDPOINT_SLICES, "myblog-abc", "demo")

            async def followed() -> bool:
                return "nginx adopted" in running.log and answers[503] > 0

            await eventually(followed, "the new controller tells the old nginx of a change")
            asking.cancel()
            assert set(answers) == {502, 503}, running.log  # nobody is at the endpoint; 0 would be no answer at all
            assert int((nginx_dir / "nginx" / "nginx.pid").read_text()) == master
        assert not Path(f"/proc/{master}").exists(), "the end of the second controller is nginx' end"
