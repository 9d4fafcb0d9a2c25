"""A probe's settings, and what a series of tries amounts to. Pure.

Source: k8s.io/api/core/v1 Probe; kubernetes pkg/kubelet/prober/worker.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wherry.objects import Object

ProbeKind = Literal["startup", "liveness", "readiness"]
INITIALLY = {"startup": False, "liveness": True, "readiness": False}


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe of a container; times in seconds."""

    kind: ProbeKind
    action: Object
    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3
    grace: float | None = None


def of(container: Object, kind: ProbeKind) -> Probe | None:
    """Return a container's probe of this kind, or None."""
    given = container.get(f"{kind}Probe")
    if not given:
        return None
    grace = given.get("terminationGracePeriodSeconds")
    return Probe(
        kind=kind,
        action=given,
        initial_delay=float(given.get("initialDelaySeconds") or 0),
        period=float(given.get("periodSeconds") or 10),
        timeout=float(given.get("timeoutSeconds") or 1),
        success_threshold=int(given.get("successThreshold") or 1),
        failure_threshold=int(given.get("failureThreshold") or 3),
        grace=float(grace) if grace is not None else None,
    )


class Series:
    """Counts tries in a row; `holds` changes when a threshold is reached."""

    def __init__(self, probe: Probe, holds: bool):
        self.holds = holds
        self._probe = probe
        self._last: bool | None = None
        self._run = 0

    def add(self, success: bool) -> bool:
        """Count one try; tell whether `holds` is now decided (its threshold reached), changed or not."""
        self._run = self._run + 1 if success is self._last else 1
        self._last = success
        needed = self._probe.success_threshold if success else self._probe.failure_threshold
        if self._run < needed:
            return False
        self.holds = success
        return True
