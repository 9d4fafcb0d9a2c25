"""Topology spread constraints with `whenUnsatisfiable: DoNotSchedule`."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.scheduler.plugin import FITS, POD_EVENTS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot
from wherry.scheduler.spread import constraints_of, per_domain

REASON = "node(s) didn't match pod topology spread constraints"
NO_LABEL = f"{REASON} (missing required label)"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes where the pod would make the spread more uneven than allowed."""
    constraints = constraints_of(pod, "DoNotSchedule")
    if not constraints:
        return None
    counted = [(c, per_domain(c, snapshot.nodes.values())) for c in constraints]

    def refuse(node: Node) -> Sequence[str]:
        for constraint, totals in counted:
            value = node.labels.get(constraint.key)
            if value is None:
                return [NO_LABEL]
            fewest = min(totals.values(), default=0) if len(totals) >= constraint.min_domains else 0
            if totals.get(value, 0) + constraint.counts_itself - fewest > constraint.max_skew:
                return [REASON]
        return FITS

    return refuse


FILTER = Filter(
    "PodTopologySpread",
    check,
    frozenset({Event.NODE_ADDED, Event.NODE_LABELS, Event.NODE_TAINTS, Event.NODE_REMOVED, *POD_EVENTS}),
)
