"""What the scheduler is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """Settings of `wherry.scheduler.run.make`. Durations are seconds.

    `name`: pods with another `spec.schedulerName` are left alone.
    `first_backoff`, `longest_backoff`: the pause before a pod that found no node is tried again, doubled every time;
    it waits for a relevant change besides. (Upstream begins at 1 s; a small cluster starts faster with less.)
    `retry_all`: how long a pod waits at most for a relevant change before it is tried all the same.
    `bindings`: how many bindings are written at a time.
    """

    name: str = "default-scheduler"
    first_backoff: float = 0.1
    longest_backoff: float = 10.0
    retry_all: float = 300.0
    bindings: int = 16
