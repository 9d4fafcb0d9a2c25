"""How fast one owner's pods are created, so that who asks for very many does not keep everybody else's waiting. Pure.

A ReplicaSet of two billion is valid, and upstream creates it at the pace of its client: 20 a second. So does this, but
only after a burst that no ordinary workload exceeds.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

BURST = 500
"""Pods that one owner gets at once (upstream's burstReplicas)."""
PER_SECOND = 20.0
"""And then (kube-controller-manager's --kube-api-qps)."""
AGAIN_SECONDS = 1.0


@dataclass(slots=True)
class _Allowance:
    left: float
    at: float


class Pace:
    """What each owner, by its key, may create now."""

    def __init__(self) -> None:
        self._allowances: dict[Hashable, _Allowance] = {}

    def take(self, key: Hashable, wanted: int, now: float) -> int:
        """Take up to `wanted` from what `key` may create at `now` (seconds), and return how many those are."""
        had = self._allowances.setdefault(key, _Allowance(BURST, now))
        had.left = min(BURST, had.left + (now - had.at) * PER_SECOND)
        had.at = now
        taken = min(wanted, int(had.left))
        had.left -= taken
        return taken

    def forget(self, key: Hashable) -> None:
        """Forget an owner that is gone."""
        self._allowances.pop(key, None)
