"""Pods and what is observed of them, small enough to read in a test."""

from __future__ import annotations

from typing import Any

from wherry.node.pods.plan.state import Sandbox, State
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

NOW = 1_800_000_000.0
UID = "0f9a1a52-0000-4000-8000-000000000001"


def container(name: str = "web", **fields: Any) -> Object:
    """Return a container of a spec."""
    return {"name": name, "image": "demo/web", **fields}


def pod(*containers: Object, meta: Object | None = None, status: Object | None = None, **spec: Any) -> Object:
    """Return a pod bound to node n1."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "myblog", "namespace": "demo", "uid": UID, **(meta or {})},
        "spec": {"nodeName": "n1", "containers": list(containers) or [container()], **spec},
        "status": status or {},
    }


def run(name: str = "web", attempt: int = 0, **fields: Any) -> Instance:
    """Return a running instance that started a minute ago; `exit` ends it now, all tidied up."""
    if "exit" in fields:
        fields = {"finished_at": NOW, "exit_code": fields.pop("exit"), "retired": True} | fields
    defaults: dict[str, Any] = {
        "id": f"{name}-{attempt}",
        "pod_uid": UID,
        "container": name,
        "attempt": attempt,
        "image": "demo/web",
        "image_id": "sha256:1",
        "started_at": NOW - 60,
    }
    return Instance(**defaults | fields)


def seen(*runs: Instance, **fields: Any) -> State:
    """Return a pod whose volumes and sandbox are ready, with these runs."""
    by_name: dict[str, tuple[Instance, ...]] = {}
    for one in runs:
        by_name[one.container] = (*by_name.get(one.container, ()), one)
    defaults: dict[str, Any] = {"sandbox": Sandbox(("10.244.1.7",)), "places": {}, "started_at": NOW - 100}
    return State(runs=by_name, **defaults | fields)
