"""A running cluster is kept as it is, and brought back: its objects, its pods, what they wrote."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from harness import Cluster, cluster, eventually

pytestmark = pytest.mark.e2e

BIND = "127.0.0.83"
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "kept"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "writer"},
    "spec": {
        "containers": [
            {
                "name": "writer",
                "image": "busybox",
                "command": ["sleep", "1000"],
                "volumeMounts": [{"name": "kept", "mountPath": "/kept"}],
            }
        ],
        "volumes": [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}],
    },
}


@pytest.fixture(scope="module")
def k8s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster("snapshots", BIND, tmp_path_factory.mktemp("snapshots"), "--nodes", "2") as made:
        yield made


def test_what_came_after_the_snapshot_is_gone_and_what_went_is_back(k8s: Cluster) -> None:
    of = ("--name", k8s.name)
    k8s.kubectl("apply -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": [CLAIM, POD]}))
    k8s.kubectl("wait --for=condition=Ready pod/writer --timeout=60s")
    k8s.kubectl("exec writer -- cp /etc/hostname /kept/before")
    started = k8s.kubectl("get pod writer -o jsonpath={.status.containerStatuses[0].containerID}")

    began = time.monotonic()
    assert "snapshot one saved after" in k8s.wherry("snapshot", "save", *of, "one")
    assert time.monotonic() - began < 20, "about a second, on a machine that has nothing else to do"
    assert k8s.wherry("snapshot", "ls", *of).startswith("one  ")

    k8s.kubectl("exec writer -- cp /etc/hostname /kept/after")
    same = k8s.kubectl("get pod writer -o jsonpath={.status.containerStatuses[0].containerID}")
    assert same == started, "a pod goes on while a snapshot is made"
    k8s.kubectl("delete pod writer --now")
    k8s.kubectl("create configmap later")

    assert "restored after" in k8s.wherry("snapshot", "restore", *of, "one")
    k8s.kubectl("wait --for=condition=Ready pod/writer --timeout=60s")
    eventually("a pod to run again", lambda: k8s.kubectl("exec writer -- ls /kept").split() == ["before"])
    assert "later" not in k8s.kubectl("get configmaps -o name")
    k8s.wherry("snapshot", "rm", *of, "one")
    assert k8s.wherry("snapshot", "ls", *of) == ""
