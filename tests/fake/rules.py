"""The rules of an API server that `FakeClient` keeps, as functions from objects to objects.

Source of the rules: apiserver `pkg/registry/generic/registry/store.go` and `pkg/registry/rest`; for pods upstream's
`pkg/registry/core/pod`.
"""

from __future__ import annotations

import uuid

from wherry.objects import Object, metadata, timestamps
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.meaning import workloads
from wherry.objects.resource import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    INGRESSES,
    JOBS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    Resource,
)

STATUS_SUBRESOURCE = {
    PODS,
    SERVICES,
    NODES,
    NAMESPACES,
    DEPLOYMENTS,
    REPLICA_SETS,
    DAEMON_SETS,
    STATEFUL_SETS,
    JOBS,
    CRON_JOBS,
    INGRESSES,
}
"""The resources whose status is written through the `status` subresource only."""

KEEPS_STATUS_ON_CREATE = {NODES, NAMESPACES}
"""Of those, the ones that may bring a status along when they are created (a kubelet registers its node with one)."""


def identify(meta: Object, old: Object | None, now: float) -> None:
    """Give metadata the identity the object has in `old`, or a new one where it lacks it; in place."""
    if old is None:
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", timestamps.rfc3339(now))
        meta.setdefault("generation", 1)
    else:
        meta.update({field: old["metadata"][field] for field in ("uid", "creationTimestamp", "generation")})


def created(resource: Resource, new: Object, now: float) -> Object:
    """Return the object a creation stores for `new`, which has its name and namespace."""
    meta = {k: v for k, v in new["metadata"].items() if k not in ("uid", "creationTimestamp", "generation")}
    for field in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"):
        meta.pop(field, None)
    identify(meta, None, now)
    new = {**new, "apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    if resource in STATUS_SUBRESOURCE and resource not in KEEPS_STATUS_ON_CREATE:
        new.pop("status", None)
    if resource == PODS:
        new["status"] = {"phase": "Pending"}
    return new


def check_preconditions(resource: Resource, old: Object, version: str | None, uid: str | None) -> None:
    """Raise `Conflict` when a write was meant for another version or another object of the same name."""
    meta = old["metadata"]
    if uid is not None and uid != meta["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {meta['uid']}"
        raise Conflict.of(resource.plural, meta["name"], why, resource.group)
    if version and version != meta["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise Conflict.of(resource.plural, meta["name"], why, resource.group)


def part(resource: Resource, obj: Object, subresource: str) -> Object:
    """Return a subresource as it is read."""
    if subresource != "scale":
        raise no_subresource(resource, subresource)
    there = (obj.get("status") or {}).get("replicas", 0)
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": obj["metadata"],
        "spec": {"replicas": obj["spec"].get("replicas", 0)},
        "status": {"replicas": there, "selector": str(workloads.selector(obj))},
    }


def replaced(resource: Resource, old: Object, new: Object, subresource: str) -> Object:
    """Return `old` with what a write to `subresource` may change taken from `new`."""
    if subresource == "status":
        return _with(old, "status", new)
    if subresource in ("finalize", "scale"):
        return _with(old, "spec", new)
    if subresource:
        raise no_subresource(resource, subresource)
    if resource in STATUS_SUBRESOURCE:
        new = _with(new, "status", old)
    meta = dict(new["metadata"])
    identify(meta, old, 0)
    for field in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"):
        meta.pop(field, None)
        if field in old["metadata"]:
            meta[field] = old["metadata"][field]
    if new.get("spec") != old.get("spec"):
        meta["generation"] += 1
    return {**new, "apiVersion": old["apiVersion"], "kind": old["kind"], "metadata": meta}


def bound(pod: Object, node: str, now: float) -> Object:
    """Return `pod` assigned to `node`; raises `Conflict` when it is assigned already, or being deleted."""
    name = pod["metadata"]["name"]
    if metadata.is_being_deleted(pod):
        raise Conflict.of("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if assigned := pod["spec"].get("nodeName"):
        raise Conflict.of("pods/binding", name, f'pod {name} is already assigned to node "{assigned}"')
    status = pod.get("status", {})
    conditions = metadata.set_condition(
        status.get("conditions"), "PodScheduled", "True", "", "", timestamps.rfc3339(now)
    )
    return {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": {**status, "conditions": conditions}}


def deleted(obj: Object, asked: int | None, propagation: str | None, now: float) -> Object | None:
    """Return what a deletion leaves of `obj` for now (terminating), or None when it is gone at once.

    `asked` is the grace period in seconds the caller wants, `propagation` its propagation policy.
    """
    meta = dict(obj["metadata"])
    before = meta.get("deletionGracePeriodSeconds")
    grace = _grace_period(obj, asked)
    grace = grace if before is None else min(grace, before)
    if finalizer := {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(propagation or ""):
        meta["finalizers"] = list(dict.fromkeys([*meta.get("finalizers", []), finalizer]))
    if before is None or grace < before:
        meta["deletionTimestamp"] = timestamps.rfc3339(now + grace)
        meta["deletionGracePeriodSeconds"] = grace
    left = {**obj, "metadata": meta}
    if obj["kind"] == "Namespace":
        left["status"] = {**obj.get("status", {}), "phase": "Terminating"}
    return None if is_finished(left) else left


def is_finished(obj: Object) -> bool:
    """Tell whether an object is being deleted and nothing holds it: no finalizer, no grace period."""
    meta = obj["metadata"]
    finalizers = meta.get("finalizers") or (obj["kind"] == "Namespace" and obj.get("spec", {}).get("finalizers"))
    return metadata.is_being_deleted(obj) and not finalizers and not meta.get("deletionGracePeriodSeconds")


def no_subresource(resource: Resource, subresource: str) -> NotFound:
    """Return the error for a subresource the fake does not serve."""
    return NotFound(f"the server could not find the requested resource ({resource.group_resource}/{subresource})")


def _grace_period(obj: Object, asked: int | None) -> int:
    """Return the seconds of graceful deletion: only a pod that some node runs has any."""
    running = obj.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    if obj["kind"] != "Pod" or not obj["spec"].get("nodeName") or not running:
        return 0
    return int(asked if asked is not None else obj["spec"].get("terminationGracePeriodSeconds", 30))


def _with(obj: Object, field: str, source: Object) -> Object:
    """Return `obj` with `field` as it is in `source`."""
    rest = {k: v for k, v in obj.items() if k != field}
    return {**rest, field: source[field]} if field in source else rest
