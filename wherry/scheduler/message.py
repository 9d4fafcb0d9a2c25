"""Pure: why no node fits, as `kubectl describe pod` shows it.

Source of the form: upstream pkg/scheduler/framework/types.go (`FitError.Error`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

NO_NODES = "no nodes available to schedule pods"


def explain(nodes: int, reasons: Iterable[Sequence[str]]) -> str:
    """Return the message for `nodes` nodes and the reasons against each; a node may have several."""
    if not nodes:
        return NO_NODES
    counted = Counter(reason for node in reasons for reason in node)
    listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counted.items()))
    return f"0/{nodes} nodes are available: {listed}."


def explain_everywhere(nodes: int, reason: str) -> str:
    """Return the message for a reason that is no node's own."""
    return f"0/{nodes} nodes are available: {reason}." if nodes else NO_NODES
