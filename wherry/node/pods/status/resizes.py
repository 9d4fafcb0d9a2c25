"""What is told of a resize: conditions of the pod, and events. Pure.

Source: kubernetes pkg/kubelet/status/status_manager.go (the conditions), pkg/kubelet/events/resize.go.
"""

from __future__ import annotations

import json
from typing import Any

from wherry.node.pods.plan.state import Pending, Progress, State
from wherry.objects import Object, metadata
from wherry.objects.meaning.wellknown import RESIZE_DEFERRED, RESIZE_IN_PROGRESS, RESIZE_PENDING
from wherry.objects.timestamps import parse, rfc3339

TYPES = (RESIZE_PENDING, RESIZE_IN_PROGRESS)
"""The conditions; there only while they hold."""
_LISTS = ("initContainers", "containers")


def conditions(state: State) -> list[Object]:
    """Return the conditions that are there only while a pod is to be resized."""
    found: list[Object] = []
    if pending := state.pending:
        found.append(_of_resize(RESIZE_PENDING, pending.generation, pending.since, pending.reason, pending.message))
    if progress := state.progress:
        reason = "Error" if progress.problem else ""
        found.append(_of_resize(RESIZE_IN_PROGRESS, progress.generation, progress.since, reason, progress.problem))
    return found


def _of_resize(type: str, generation: int, since: float, reason: str, message: str) -> Object:
    [condition] = metadata.set_condition((), type, "True", reason, message, rfc3339(since))
    return {**condition, "observedGeneration": generation} if generation else condition


def pending_of(pod: Object) -> Pending | None:
    """Return what the API remembers of a resize that waits."""
    found = metadata.condition(pod, RESIZE_PENDING)
    if found is None:
        return None
    reason, message = found.get("reason") or RESIZE_DEFERRED, found.get("message") or ""
    return Pending(reason, message, int(found.get("observedGeneration") or 0), _since(found))


def progress_of(pod: Object) -> Progress | None:
    """Return what the API remembers of a resize that has begun."""
    found = metadata.condition(pod, RESIZE_IN_PROGRESS)
    if found is None:
        return None
    return Progress(int(found.get("observedGeneration") or 0), _since(found), found.get("message") or "")


def _since(condition: Object) -> float:
    at = condition.get("lastTransitionTime")
    return parse(at) if at else 0.0


def message(what: str, pod: Object, generation: int, problem: str = "") -> str:
    """Return the text of an event: `what`, and the resources of the pod's containers."""
    summary: dict[str, Any] = {
        key: [{"name": c["name"], "resources": c.get("resources") or {}} for c in pod["spec"][key]]
        for key in _LISTS
        if pod["spec"].get(key)
    }
    summary["generation"] = generation
    if problem:
        summary["error"] = problem
    return f"{what}: {json.dumps(summary, separators=(',', ':'))}"
