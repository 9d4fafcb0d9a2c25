"""A cluster whose store is full of nonsense comes up, serves, and says what it set aside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from harness import Cluster, cluster, eventually

from tests.poison import nonsense
from wherry.apiserver.storage.interface import Write
from wherry.apiserver.storage.sqlite.store import SqliteStorage

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
BIND = "127.0.0.217"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, mixed: "yes"}}
    spec:
      nodeSelector: {kubernetes.io/os: linux}
      tolerations: [{operator: Exists}]
      containers: [{name: web, image: test/echo, ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080, nodePort: 30081}]
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("poison")
    with cluster("poison", BIND, home, "--addons", "dns", "--image-map", str(HERE / "image-map.yaml")) as made:
        yield made


async def poison(store: Path) -> None:
    """Write nonsense of every kind past every check."""
    dice, storage = Random(17), SqliteStorage(store)
    await storage.open()
    known = {entry.key for entry in (await storage.range(limit=10_000)).entries}
    objects = [*nonsense.objects(dice, 120, "default"), *nonsense.shapeless(dice, 40, "default", first=500)]
    # To have the address of another Service makes sense.
    objects = [obj for obj in objects if "10.96.0.10" not in str(obj)]
    writes = [*map(nonsense.write_of, objects), Write("/core/pods/default/bytes", b"\xff{", 0), Write("x", b"", 0)]
    # Limits, quotas and policies hold for everybody in their namespace, and nodes without an agent would be waited for.
    left_out = (
        "/core/limitranges/",
        "/core/resourcequotas/",
        "/networking.k8s.io/networkpolicies/",
        "/core/nodes/",
    )
    for write in writes:
        if write.key not in known and not write.key.startswith(left_out):
            await storage.commit([write])
    await storage.close()


def test_it_comes_up_and_serves_whatever_is_stored(k8s: Cluster) -> None:
    k8s.wherry("down", "--name", k8s.name)
    asyncio.run(poison(k8s.home / "wherry" / k8s.name / "state.db"))
    k8s.wherry("up", "--name", k8s.name, "--bind", BIND, timeout=240)
    k8s.kubectl("apply -f -", stdin=WEB)
    k8s.kubectl("rollout status deployment/web --timeout=120s", timeout=130)
    address = k8s.kubectl("get service web -o jsonpath={.spec.clusterIP}")
    resolver = k8s.kubectl("-n kube-system get service kube-dns -o jsonpath={.spec.clusterIP}")
    node = "k8s-master"
    eventually("the cluster IP", lambda: k8s.on(node, "curl", "-sf", "-m", "3", f"http://{address}/"), 30)
    eventually("the node port", lambda: k8s.run("curl", "-sf", "-m", "3", f"http://{BIND}:30081/"), 30)
    name = "web.default.svc.cluster.local"
    eventually("DNS", lambda: address in k8s.on(node, "dig", "+short", "+time=2", f"@{resolver}", name), 30)
    for kind in ("pods", "nodes", "services", "endpointslices", "deployments", "events", "ingresses"):
        k8s.kubectl(f"get {kind} -A -o wide")
    assert "core/pods/default/bytes" in k8s.wherry("doctor", "--name", k8s.name, check=False)
    k8s.kubectl("delete deployment,service web --timeout=60s")
