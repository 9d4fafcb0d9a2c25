"""Soft topology spread: fewer of its kind in a node's domains are better; on by default for every controller's pods."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wherry.objects.meaning.wellknown import HOSTNAME
from wherry.scheduler.plugin import BEST
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot
from wherry.scheduler.spread import Constraint, constraints_of, default_constraints, per_domain


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Return how empty each node's domains are, weighed so that many domains do not drown few.

    Source: upstream pkg/scheduler/framework/plugins/podtopologyspread/scoring.go.
    """
    constraints = constraints_of(pod, "ScheduleAnyway") or default_constraints(pod)
    if not constraints:
        return None
    crowds = [0.0] * len(nodes)
    for constraint in constraints:
        for i, crowd in enumerate(_crowds(constraint, snapshot, nodes)):
            crowds[i] += crowd
    low, high = min(crowds), max(crowds)
    if not high:
        return None
    return [BEST * (high + low - c) / high for c in crowds]


def _crowds(constraint: Constraint, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float]:
    domains = {n.labels[constraint.key] for n in nodes if constraint.key in n.labels}
    if not domains:
        return [0.0] * len(nodes)
    weight = math.log(len(domains) + 2)
    if constraint.key == HOSTNAME:
        counts = [constraint.counts(n) for n in nodes]
    else:
        totals = per_domain(constraint, snapshot.nodes.values())
        counts = [totals.get(n.labels.get(constraint.key, ""), 0) for n in nodes]
    return [c * weight + constraint.max_skew - 1 for c in counts]
