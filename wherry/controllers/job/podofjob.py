"""Pure: the pods of a Job.

Source: upstream pkg/controller/job/indexed_job_utils.go, pod_utils and tracking_utils.go.
"""

from __future__ import annotations

from typing import Any

from wherry.controllers.podtemplate import pod_from
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import phase
from wherry.objects.meaning.wellknown import COMPLETION_INDEX, INDEX_FAILURES, JOB_TRACKING
from wherry.objects.timestamps import parse

_VARIABLE = "JOB_COMPLETION_INDEX"
_LONGEST_NAME = 63 - 5 - 1


def replaces_ended_only(job: Object) -> bool:
    """Return whether a pod that is being deleted is replaced, and counted, only once it has ended (KEP-3939)."""
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def new_pod(job: Object, index: int | None, failures: int) -> Object:
    """Return a pod to create: for completion `index`, which has failed so often before, or for any (None)."""
    pod = pod_from(job["spec"]["template"], job)
    meta = pod["metadata"]
    meta["finalizers"] = [*(meta.get("finalizers") or ()), JOB_TRACKING]
    if index is None:
        return pod
    mark = {COMPLETION_INDEX: str(index)}
    meta["labels"] = {**metadata.labels(pod), **mark}
    meta["annotations"] = {**metadata.annotations(pod), **mark}
    if job["spec"].get("backoffLimitPerIndex") is not None:
        meta["annotations"][INDEX_FAILURES] = str(failures)
    host = f"{job['metadata']['name']}-{index}"
    meta["generateName"] = f"{host[:_LONGEST_NAME]}-"
    pod["spec"]["hostname"] = host
    for key in ("initContainers", "containers"):
        for container in pod["spec"].get(key) or ():
            _tell_index(container)
    return pod


def _tell_index(container: Object) -> None:
    variables = container.get("env") or []
    if all(v["name"] != _VARIABLE for v in variables):
        source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}
        container["env"] = [*variables, {"name": _VARIABLE, "valueFrom": source}]


def index_of(pod: Object) -> int | None:
    """Return which completion a pod is for; None where it does not say."""
    return _number(metadata.annotations(pod).get(COMPLETION_INDEX))


def failures_before(pod: Object) -> int:
    """Return how often a pod's index had failed when it was made."""
    return _number(metadata.annotations(pod).get(INDEX_FAILURES)) or 0


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None


def is_tracked(pod: Object) -> bool:
    """Return whether a pod's end is still to be counted."""
    return JOB_TRACKING in (pod["metadata"].get("finalizers") or ())


def untracked(pod: Object) -> Object:
    """Return the patch that lets a pod go."""
    left = [f for f in pod["metadata"].get("finalizers") or () if f != JOB_TRACKING]
    version = pod["metadata"].get("resourceVersion")
    return {"metadata": {"uid": pod["metadata"]["uid"], "resourceVersion": version, "finalizers": left}}


def has_failed(job: Object, pod: Object) -> bool:
    """Return whether a pod counts as failed."""
    if phase(pod) == "Failed":
        return True
    deleted = metadata.is_being_deleted(pod) and phase(pod) != "Succeeded"
    return deleted and not replaces_ended_only(job)


def ended_at(pod: Object) -> float:
    """Return when a pod ended, in seconds since the epoch: the end of its last container, or what comes nearest."""
    status = pod.get("status") or {}
    found = [_finished(c) for key in ("containerStatuses", "initContainerStatuses") for c in status.get(key) or ()]
    if times := [parse(t) for t in found if t]:
        return max(times)
    ready = (metadata.condition(pod, "Ready") or {}).get("lastTransitionTime")
    meta = pod["metadata"]
    return parse(ready or meta.get("deletionTimestamp") or meta["creationTimestamp"])


def _finished(container: Object) -> Any:
    return ((container.get("state") or {}).get("terminated") or {}).get("finishedAt")
