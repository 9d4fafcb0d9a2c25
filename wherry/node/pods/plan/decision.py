"""What has been decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from wherry.node.pods.plan.actions import Action


@dataclass(slots=True)
class Decision:
    """Actions to perform, side by side, and when (epoch seconds) to decide again if nothing happens before."""

    actions: list[Action] = field(default_factory=list)
    wake_at: float | None = None

    def wake(self, at: float) -> None:
        """Decide again at `at` or earlier."""
        self.wake_at = at if self.wake_at is None else min(self.wake_at, at)
