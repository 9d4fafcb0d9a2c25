"""Pure: counting pods per topology domain, for the spread filter and the spread score."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.meaning.wellknown import HOSTNAME, ZONE
from wherry.objects.nodeaffinity import admits
from wherry.objects.taints import NO_EXECUTE, NO_SCHEDULE, taints_of, tolerations_of, untolerated
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node


class Constraint(NamedTuple):
    """A topology spread constraint: how uneven (`max_skew`) the pods it `counts` on a node may lie over the domains."""

    key: str
    max_skew: int
    min_domains: int
    counts: Callable[[Node], int]
    counts_itself: bool
    eligible: Callable[[Node], bool]


def constraints_of(pod: Pod, action: str) -> list[Constraint]:
    """Return the pod's constraints with `whenUnsatisfiable: action`."""
    given = pod.spec.get("topologySpreadConstraints") or ()
    return [_constraint(pod, c) for c in given if c["whenUnsatisfiable"] == action]


def default_constraints(pod: Pod) -> list[Constraint]:
    """Return the soft constraints of a pod that has none: replicas of one controller over hosts, then zones.

    Source: upstream pkg/scheduler/framework/plugins/podtopologyspread/common.go (`systemDefaultConstraints`); our
    "replicas" are the pods with the same controller, where upstream asks Services and controllers for a selector.
    """
    if not pod.owner or pod.spec.get("topologySpreadConstraints"):
        return []

    def replicas(node: Node) -> int:
        return node.owners[pod.owner]

    return [
        Constraint(key, skew, 1, replicas, True, lambda node, key=key: key in node.labels)  # type: ignore[misc]
        for key, skew in ((HOSTNAME, 3), (ZONE, 5))
    ]


def per_domain(constraint: Constraint, nodes: Iterable[Node]) -> dict[str, int]:
    """Return how many counted pods each domain has, over the eligible nodes."""
    totals: dict[str, int] = {}
    for node in nodes:
        if constraint.eligible(node):
            value = node.labels[constraint.key]
            totals[value] = totals.get(value, 0) + constraint.counts(node)
    return totals


def _constraint(pod: Pod, given: Object) -> Constraint:
    selector = pod.spread_selector(given)

    def counts(node: Node) -> int:
        return sum(
            other.namespace == pod.namespace and not other.being_deleted and selector.matches(other.labels)
            for other in node.pods.values()
        )

    return Constraint(
        given["topologyKey"],
        given["maxSkew"],
        given.get("minDomains") or 1,
        counts,
        selector.matches(pod.labels),
        _eligibility(pod, given),
    )


def _eligibility(pod: Pod, given: Object) -> Callable[[Node], bool]:
    """Nodes the pod could not go to anyway do not count as domains, as far as the inclusion policies say so."""
    affinity_counts = given.get("nodeAffinityPolicy") != "Ignore"
    taints_count = given.get("nodeTaintsPolicy") == "Honor"
    keys = _all_keys(pod)

    def eligible(node: Node) -> bool:
        if any(key not in node.labels for key in keys):
            return False
        if affinity_counts and not admits(pod.spec, node.object):
            return False
        taints = taints_of(node.object) if taints_count else ()
        return untolerated(taints, tolerations_of(pod.obj), (NO_SCHEDULE, NO_EXECUTE)) is None

    return eligible


def _all_keys(pod: Pod) -> Sequence[str]:
    return [c["topologyKey"] for c in pod.spec.get("topologySpreadConstraints") or ()]
