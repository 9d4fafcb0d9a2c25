"""Preferred pod affinity and anti-affinity, the pod's own and that of the pods that run already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wherry.scheduler.affinity import Term
from wherry.scheduler.plugin import BEST
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

HARD_WEIGHT = 1
"""How much a running pod's *required* affinity to the new one pulls (upstream's hardPodAffinityWeight)."""


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Add up the weights of all terms in each node's domains, then spread them over 0 … 100."""
    pulls: Counter[tuple[str, str]] = Counter()
    if pod.preferred_affinity:
        for other, place in snapshot.pods():
            _pull(pulls, pod.preferred_affinity, other, place, snapshot)
    for other, place in snapshot.attracting.values():
        if place.obj is not None:
            hard = [t._replace(weight=HARD_WEIGHT) for t in other.required_affinity]
            _pull(pulls, [*other.preferred_affinity, *hard], pod, place, snapshot)
    if not pulls:
        return None
    raw = [sum(pulls[pair] for pair in node.labels.items()) for node in nodes]
    low, high = min(raw), max(raw)
    return [BEST * (r - low) / (high - low) for r in raw] if high > low else None


def _pull(pulls: Counter[tuple[str, str]], terms: Sequence[Term], meant: Pod, place: Node, snapshot: Snapshot) -> None:
    """Let the terms that mean pod `meant` pull towards (or push from) the domains of `place`."""
    for term in terms:
        value = place.labels.get(term.topology_key)
        if value is not None and term.means(meant.namespace, meant.labels, snapshot.namespace_labels):
            pulls[term.topology_key, value] += term.weight
