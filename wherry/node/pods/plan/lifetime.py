"""What of a pod should run, and until when. Pure."""

from __future__ import annotations

from wherry.node.pods.plan.containers import ephemeral_containers, init_containers
from wherry.node.pods.plan.state import State
from wherry.node.runtime.instance import Instance
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended, is_sidecar


def needs_run(pod: Object, container: Object, last: Instance | None) -> bool:
    """Tell whether a regular or an ephemeral container should be running, given its last run.

    Source: kubernetes pkg/kubelet/container/helpers.go (ShouldContainerBeRestarted).
    """
    if last is None:
        return True
    if container in ephemeral_containers(pod):
        return False  # it runs once
    if not last.finished or last.again:
        return True
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and last.exit_code != 0)


def is_over(pod: Object, state: State) -> bool:
    """Tell whether all regular containers have ended for good, or an init container has failed for good."""
    if pod["spec"].get("restartPolicy", "Always") == "Always":
        return False
    if init_failed(pod, state):
        return True
    lasts = [(c, state.latest(c["name"])) for c in pod["spec"]["containers"]]
    return all(last is not None and last.finished and not needs_run(pod, c, last) for c, last in lasts)


def init_failed(pod: Object, state: State) -> bool:
    """Tell whether an init container failed in a pod that does not restart any."""
    if pod["spec"].get("restartPolicy") != "Never":
        return False
    lasts = [state.latest(c["name"]) for c in init_containers(pod) if not is_sidecar(c)]
    return any(last is not None and last.finished and last.exit_code != 0 for last in lasts)


def deadline(pod: Object, state: State) -> float | None:
    """Return when the pod's activeDeadlineSeconds are over (epoch seconds), or None."""
    allowed = pod["spec"].get("activeDeadlineSeconds")
    return state.started_at + float(allowed) if allowed is not None and state.started_at else None


def is_ending(pod: Object, state: State, now: float) -> bool:
    """Tell whether nothing of the pod should run any more."""
    limit = deadline(pod, state)
    return (
        state.gone
        or state.rejected is not None
        or metadata.is_being_deleted(pod)
        or has_ended(pod)
        or is_over(pod, state)
        or (limit is not None and now >= limit)
    )
