"""What is observed of a pod on this node: the input of `plan` and `status`. Pure.

Containers are known by name. A container's instances are its last two runs, the latest last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wherry.node.runtime.instance import Instance
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The pod's namespaces, control group and network: ready. `ip` is the pod's address."""

    ip: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container (or the sandbox, or the volumes) could not be started, and when to try again (epoch seconds).

    `pause` is how long that wait was, for the next one to be longer.
    """

    reason: str
    message: str
    retry_at: float
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes of a running instance say. Without a probe: started, ready and live."""

    started: bool = True
    ready: bool = True
    live: bool = True
    grace: float | None = None  # the failed probe's terminationGracePeriodSeconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """Everything `plan` and `status` look at beside the pod.

    volumes_due: when their content is to be looked at again (epoch seconds; 0: now), None for not at all.
    busy: the keys of actions under way.
    failed: per key as above, why the last try failed.
    health: by instance id; an instance that is not listed has no probe.
    gone: the pod is not in the API any more.
    told: the API has been told that nothing is left of the deleted pod; it may still wait for finalizers.
    refused: what the pod asks for that this node cannot do.
    cleaned: nothing is left of the pod on this node but its status.
    """

    sandbox: Sandbox | None = None
    volumes: bool = False
    volumes_due: float | None = None
    instances: Mapping[str, tuple[Instance, ...]] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    failed: Mapping[str, Waiting] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    started_at: float = 0.0
    gone: bool = False
    told: bool = False
    refused: str = ""
    cleaned: bool = False

    def latest(self, container: str) -> Instance | None:
        """Return the container's last run, an inherited one included."""
        runs = self.instances.get(container)
        return runs[-1] if runs else None

    def current(self, container: str) -> Instance | None:
        """Return the container's last run in this life of the node."""
        last = self.latest(container)
        return None if last is None or last.inherited else last

    def is_started(self, container: Object) -> bool:
        """Tell whether the container runs, with its postStart hook and its startup probe behind it."""
        last = self.current(container["name"])
        return last is not None and last.running and last.hook in ("none", "done") and self.health_of(last).started

    def health_of(self, instance: Instance) -> Health:
        """Return what the probes say of an instance."""
        return self.health.get(instance.id, Health())


def is_sidecar(container: Object) -> bool:
    """Tell whether an init container keeps running beside the others (KEP-753)."""
    return container.get("restartPolicy") == "Always"


def init_containers(pod: Object) -> list[Object]:
    """Return the pod's init containers."""
    return pod["spec"].get("initContainers") or []


def everyone(pod: Object) -> list[Object]:
    """Return all containers: init containers first."""
    return [*init_containers(pod), *pod["spec"]["containers"]]


def container_status(pod: Object, name: str) -> Object:
    """Return a container's status as the API has it, an empty object where there is none."""
    known = pod.get("status") or {}
    every = [*(known.get("initContainerStatuses") or ()), *(known.get("containerStatuses") or ())]
    return next((status for status in every if status["name"] == name), {})


def needs_run(pod: Object, container: Object, last: Instance | None) -> bool:
    """Tell whether a regular container should be running, given its last run.

    Source: kubernetes pkg/kubelet/container/helpers.go (ShouldContainerBeRestarted).
    """
    if last is None:
        return True
    if not last.finished:
        return True
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and last.exit_code != 0)


def is_over(pod: Object, seen: Observed) -> bool:
    """Tell whether all regular containers have ended for good, or an init container has failed for good."""
    if pod["spec"].get("restartPolicy", "Always") == "Always":
        return False
    if init_failed(pod, seen):
        return True
    lasts = [(c, seen.latest(c["name"])) for c in pod["spec"]["containers"]]
    return all(last is not None and last.finished and not needs_run(pod, c, last) for c, last in lasts)


def init_failed(pod: Object, seen: Observed) -> bool:
    """Tell whether an init container failed in a pod that does not restart any."""
    if pod["spec"].get("restartPolicy") != "Never":
        return False
    lasts = [seen.latest(c["name"]) for c in init_containers(pod) if not is_sidecar(c)]
    return any(last is not None and last.finished and last.exit_code != 0 for last in lasts)


def deadline(pod: Object, seen: Observed) -> float | None:
    """Return when the pod's activeDeadlineSeconds are over (epoch seconds), or None."""
    allowed = pod["spec"].get("activeDeadlineSeconds")
    return seen.started_at + float(allowed) if allowed is not None and seen.started_at else None


def is_finished(pod: Object) -> bool:
    """Tell whether the API knows the pod as ended: a phase that is never left."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
