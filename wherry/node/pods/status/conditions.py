"""The conditions of a pod. Pure.

Source: kubernetes pkg/kubelet/status (generate.go, status_manager.go).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.node.pods.plan.containers import init_containers
from wherry.node.pods.plan.state import State
from wherry.node.pods.status import resizes
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import ENDED, is_sidecar
from wherry.objects.timestamps import rfc3339

OURS = frozenset(
    {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled", *resizes.TYPES}
)
"""The conditions `conditions` sets; all others are somebody else's."""


def is_through(container: Object, status: Object) -> bool:
    """Tell whether an init container is done, or, a sidecar, has started; `status` is its ContainerStatus."""
    if is_sidecar(container):
        return bool(status.get("started"))
    return bool((status["state"].get("terminated") or {}).get("exitCode") == 0)


def conditions(
    pod: Object, state: State, phase: str, inits: list[Object], regular: list[Object], now: float
) -> list[Object]:
    """Return the pod's conditions: ours brought up to date, others' kept."""
    done = phase in ENDED
    ended = "PodCompleted" if phase == "Succeeded" else "PodFailed" if phase == "Failed" else ""
    pairs = list(zip(init_containers(pod), inits, strict=True))
    begun = any(state.current(c["name"]) for c in pod["spec"]["containers"])
    incomplete = [] if begun else [s["name"] for c, s in pairs if not is_through(c, s)]
    watched = [*(s for c, s in pairs if is_sidecar(c)), *regular]
    unready = [s["name"] for s in watched if not s["ready"]]
    gates = _closed_gates(pod)
    known = (pod.get("status") or {}).get("conditions") or ()
    found = _Conditions(known, rfc3339(now), pod["metadata"].get("generation"))
    found.set("PodReadyToStartContainers", state.sandbox is not None)
    if incomplete and phase != "Succeeded":
        found.set("Initialized", False, "ContainersNotInitialized", _listed("incomplete", incomplete))
    else:
        found.set("Initialized", True, "PodCompleted" if phase == "Succeeded" else "")
    problem = _listed("unready", unready)
    if done:
        found.set("Ready", False, ended)
        found.set("ContainersReady", False, ended)
    else:
        gated = f"the status of pod readiness gate {gates[0]} is not True" if gates else ""
        if unready:
            found.set("Ready", False, "ContainersNotReady", problem)
        else:
            found.set("Ready", not gates, "ReadinessGatesNotReady" if gates else "", gated)
        found.set("ContainersReady", not unready, "ContainersNotReady" if unready else "", problem if unready else "")
    found.set("PodScheduled", True)
    return found.entries if done else [*found.entries, *resizes.conditions(state)]


def _listed(what: str, names: Iterable[str]) -> str:
    return f"containers with {what} status: [{' '.join(names)}]"


def _closed_gates(pod: Object) -> list[str]:
    gates = [g["conditionType"] for g in pod["spec"].get("readinessGates") or ()]
    return [g for g in gates if (metadata.condition(pod, g) or {}).get("status") != "True"]


class _Conditions:
    """Conditions being brought up to date: ours in the order in which they are set, then others'."""

    def __init__(self, known: Iterable[Object], now: str, generation: int | None):
        self._known = {c["type"]: c for c in known if c["type"] not in resizes.TYPES}
        self._observed = {"observedGeneration": generation} if generation else {}
        self._ours: list[Object] = []
        self._now = now

    @property
    def entries(self) -> list[Object]:
        return [*self._ours, *self._known.values()]

    def set(self, type: str, holds: bool, reason: str = "", message: str = "") -> None:
        known = self._known.pop(type, None)
        status = "True" if holds else "False"
        [new] = metadata.set_condition([known] if known else [], type, status, reason, message, self._now)
        self._ours.append({**new, **self._observed})
