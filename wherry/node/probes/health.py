"""What the probes of a running container say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerHealth:
    """Without a probe: started, ready and live. `grace`: the failed probe's terminationGracePeriodSeconds."""

    started: bool = True
    ready: bool = True
    live: bool = True
    grace: float | None = None


HEALTHY = ContainerHealth()
