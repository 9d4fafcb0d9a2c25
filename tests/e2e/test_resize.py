"""Pods are resized while they run: what the kernel holds them to before and after, with kubectl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Cluster, cluster, eventually

from wherry.cluster.paths import Paths
from wherry.node import cgroups
from wherry.objects import quantity

pytestmark = pytest.mark.e2e

NAME, BIND = "resize", "127.0.0.88"
IMAGES = Path(__file__).parent / "image-map.yaml"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: worker}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - name: side
    image: test/shell
    restartPolicy: Always
    resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 100m, memory: 32Mi}}
  containers:
  - name: main
    image: test/shell
    resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]
    resources: {requests: {cpu: 100m, memory: 32Mi}, limits: {cpu: 200m, memory: 64Mi}}
"""
FILLER = """
apiVersion: v1
kind: Pod
metadata: {name: filler}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: test/shell, resources: {requests: {memory: "%d"}}}
"""


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--addons", "none", "--image-map", str(IMAGES))
    with cluster(NAME, BIND, tmp_path_factory.mktemp(NAME), *options) as made:
        made.kubectl("apply -f -", stdin=POD)
        made.kubectl("wait --for=condition=Ready pod/worker --timeout=60s")
        yield made


def pod(k8s: Cluster) -> Any:
    return json.loads(k8s.kubectl("get pod worker -o json"))


def status_of(k8s: Cluster, container: str) -> Any:
    status = pod(k8s)["status"]
    statuses = [*status["initContainerStatuses"], *status["containerStatuses"]]
    return next(one for one in statuses if one["name"] == container)


def limits(k8s: Cluster, container: str = "") -> list[str]:
    """CPU quota and memory limit in force, of a container or of the pod, in the files of whichever cgroup version."""
    [node] = json.loads(k8s.kubectl("get nodes -o json"))["items"]
    group = f"{Paths(k8s.home / 'wherry' / NAME).cgroup}/{node['metadata']['name']}/pod{pod(k8s)['metadata']['uid']}"
    if container:
        group += f"/{status_of(k8s, container)['containerID'].partition('://')[2]}"
    v2 = cgroups.is_unified()
    files = ("cpu.max", "memory.max") if v2 else ("cpu/cpu.cfs_quota_us", "memory/memory.limit_in_bytes")
    parts = [(name.rpartition("/")[0], name.rpartition("/")[2]) for name in files]
    texts = [(cgroups.ROOT / base / group.strip("/") / name).read_text() for base, name in parts]
    return [text.split()[0] for text in texts]


def resize(k8s: Cluster, check: bool = True, key: str = "containers", name: str = "main", **resources: Any) -> str:
    patch = json.dumps({"spec": {key: [{"name": name, "resources": resources}]}})
    return k8s.run(k8s.kubectl_path, "patch", "pod", "worker", "--subresource=resize", "-p", patch, check=check)


def conditions(k8s: Cluster) -> dict[str, Any]:
    return {one["type"]: one for one in pod(k8s)["status"]["conditions"] if "Resize" in one["type"]}


def settled(k8s: Cluster) -> bool:
    found = pod(k8s)
    return not conditions(k8s) and found["status"]["observedGeneration"] == found["metadata"]["generation"]


def events(k8s: Cluster) -> list[str]:
    listed = json.loads(k8s.kubectl("get events --field-selector involvedObject.name=worker -o json"))["items"]
    return [event["reason"] for event in listed]


def test_cpu_changes_while_the_container_goes_on(k8s: Cluster) -> None:
    assert (limits(k8s, "main"), limits(k8s)) == (["20000", str(64 << 20)], ["30000", str(96 << 20)])
    before = status_of(k8s, "main")
    resize(k8s, requests={"cpu": "150m"}, limits={"cpu": "400m"})
    eventually("the container's limit", lambda: limits(k8s, "main") == ["40000", str(64 << 20)])
    eventually("the resize is done", lambda: settled(k8s))
    assert limits(k8s) == ["50000", str(96 << 20)]
    after = status_of(k8s, "main")
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], 0)
    assert after["allocatedResources"] == {"cpu": "150m", "memory": "32Mi"}
    assert after["resources"]["limits"] == {"cpu": "400m", "memory": "64Mi"}
    resize(k8s, requests={"cpu": "50m"}, limits={"cpu": "100m"})
    eventually("less", lambda: (limits(k8s, "main")[0], limits(k8s)[0]) == ("10000", "20000"))
    eventually("it is told", lambda: {"ResizeStarted", "ResizeCompleted"} <= set(events(k8s)))


def test_a_sidecar_changes_too(k8s: Cluster) -> None:
    before = status_of(k8s, "side")["containerID"]
    resize(k8s, key="initContainers", name="side", limits={"memory": "48Mi"})
    eventually("its limit", lambda: limits(k8s, "side") == ["10000", str(48 << 20)])
    eventually("the resize is done", lambda: settled(k8s))
    assert limits(k8s)[1] == str(112 << 20)
    assert status_of(k8s, "side")["containerID"] == before


def test_what_asks_for_a_restart_gets_one(k8s: Cluster) -> None:
    before = status_of(k8s, "main")
    resize(k8s, requests={"memory": "48Mi"}, limits={"memory": "128Mi"})
    eventually("it starts again", lambda: status_of(k8s, "main")["restartCount"] == before["restartCount"] + 1)
    eventually("the resize is done", lambda: settled(k8s) and "running" in status_of(k8s, "main")["state"])
    assert limits(k8s, "main")[1] == str(128 << 20)
    assert limits(k8s)[1] == str(176 << 20)
    assert "resize requires restart" in k8s.kubectl("describe pod worker")


def test_one_for_which_there_is_no_room_waits_until_there_is(k8s: Cluster) -> None:
    [node] = json.loads(k8s.kubectl("get nodes -o json"))["items"]
    memory = quantity.whole(node["status"]["allocatable"]["memory"])
    k8s.kubectl("apply -f -", stdin=FILLER % (memory - (512 << 20)))
    k8s.kubectl("wait --for=condition=Ready pod/filler --timeout=60s")
    resize(k8s, key="initContainers", name="side", requests={"memory": "1Gi"}, limits={"memory": "1Gi"})
    eventually("it is deferred", lambda: "PodResizePending" in conditions(k8s))
    told = conditions(k8s)["PodResizePending"]
    assert told["reason"] == "Deferred"
    assert "Node didn't have enough resource: memory" in told["message"]
    assert told["observedGeneration"] == pod(k8s)["metadata"]["generation"]
    assert limits(k8s, "side")[1] == str(48 << 20)
    assert status_of(k8s, "side")["allocatedResources"]["memory"] == "16Mi"
    assert "PodResizePending" in k8s.kubectl("describe pod worker")
    k8s.kubectl("delete pod filler")
    eventually("it is done", lambda: settled(k8s) and limits(k8s, "side")[1] == str(1 << 30))
    assert "ResizeDeferred" in events(k8s)


def test_what_the_node_can_never_give_is_refused(k8s: Cluster) -> None:
    said = resize(k8s, check=False, requests={"cpu": "900"}, limits={"cpu": "900"})
    assert "node didn't have enough allocatable resources: cpu, requested: 900" in said


def test_a_limit_below_what_is_used_is_not_put_in_force(k8s: Cluster) -> None:
    resize(k8s, key="initContainers", name="side", requests={"memory": "4Ki"}, limits={"memory": "4Ki"})
    eventually("it is told", lambda: (conditions(k8s).get("PodResizeInProgress") or {}).get("reason") == "Error")
    told = conditions(k8s)["PodResizeInProgress"]["message"]
    assert told.startswith("cannot decrease memory limits: ")
    assert 'attempting to set container "side" memory limit (4096) below current usage' in told
    assert limits(k8s, "side")[1] == str(1 << 30)
    eventually("an event", lambda: "ResizeError" in events(k8s))
    resize(k8s, key="initContainers", name="side", requests={"memory": "64Mi"}, limits={"memory": "64Mi"})
    eventually("a better one is done", lambda: settled(k8s) and limits(k8s, "side")[1] == str(64 << 20))
