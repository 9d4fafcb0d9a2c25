"""Small objects for the scheduler's tests."""

from __future__ import annotations

from typing import Any

from wherry.objects import Object
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot


def node(name: str, *, labels: Object | None = None, cpu: str = "4", memory: str = "8Gi", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name} | (labels or {})},
        "spec": spec,
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    }


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Object:
    return {"key": key, "value": value, "effect": effect}


def pod(
    name: str, *, labels: Object | None = None, cpu: str = "", owner: str = "", ns: str = "demo", **spec: Any
) -> Object:
    """Return a pod; `spec` goes into its spec."""
    requests = {"requests": {"cpu": cpu}} if cpu else {}
    metadata: Object = {"name": name, "namespace": ns, "uid": f"uid-{name}", "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"uid": owner, "controller": True, "kind": "ReplicaSet", "name": owner}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "c", "resources": requests}]} | spec,
        "status": {"phase": "Pending"},
    }


def snapshot(*objects: Object) -> Snapshot:
    """Return a snapshot of nodes and of pods with a nodeName."""
    made = Snapshot()
    for obj in objects:
        if obj["kind"] == "Node":
            made.set_node(obj)
        else:
            made.set_pod(Pod(obj))
    return made
