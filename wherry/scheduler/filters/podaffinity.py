"""Required pod affinity and anti-affinity, the pod's own and that of the pods that run already."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.scheduler.affinity import Term
from wherry.scheduler.plugin import FITS, POD_EVENTS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

AFFINITY = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY = "node(s) didn't match pod anti-affinity rules"
REPELLED = "node(s) didn't satisfy existing pods anti-affinity rules"

Domain = tuple[str, str]
"""A node label with its value: (topologyKey, value)."""


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes whose domains hold the wrong pods, or lack the right ones."""
    repelled = _repelled(pod, snapshot)
    wanted, unwanted = pod.required_affinity, pod.required_anti_affinity
    if not (repelled or wanted or unwanted):
        return None
    good = _domains_with_all(wanted, snapshot) if wanted else set()
    bad = _domains_with_any(unwanted, snapshot) if unwanted else set()
    first = bool(wanted) and not good and _means_itself(pod, snapshot)

    def refuse(node: Node) -> Sequence[str]:
        if any(not _attracted(term, node, good, first) for term in wanted):
            return [AFFINITY]
        if any(_domain(term, node) in bad for term in unwanted):
            return [ANTI_AFFINITY]
        if repelled and any(pair in repelled for pair in node.labels.items()):
            return [REPELLED]
        return FITS

    return refuse


def _domain(term: Term, node: Node) -> Domain | None:
    value = node.labels.get(term.topology_key)
    return None if value is None else (term.topology_key, value)


def _attracted(term: Term, node: Node, good: set[Domain], first: bool) -> bool:
    """The first pod of a group that wants to be together may go anywhere the label exists."""
    domain = _domain(term, node)
    return domain is not None and (first or domain in good)


def _domains_with_all(terms: Sequence[Term], snapshot: Snapshot) -> set[Domain]:
    """Return the domains of the pods that every term means."""
    return {
        domain
        for other, node in snapshot.pods()
        if all(t.means(other.namespace, other.labels, snapshot.namespace_labels) for t in terms)
        for t in terms
        if (domain := _domain(t, node))
    }


def _domains_with_any(terms: Sequence[Term], snapshot: Snapshot) -> set[Domain]:
    """Return, for each term, the domains of the pods it means."""
    return {
        domain
        for other, node in snapshot.pods()
        for t in terms
        if t.means(other.namespace, other.labels, snapshot.namespace_labels) and (domain := _domain(t, node))
    }


def _means_itself(pod: Pod, snapshot: Snapshot) -> bool:
    return all(t.means(pod.namespace, pod.labels, snapshot.namespace_labels) for t in pod.required_affinity)


def _repelled(pod: Pod, snapshot: Snapshot) -> set[Domain]:
    """Return the domains that running pods with an anti-affinity to this one keep it out of."""
    return {
        domain
        for other, node in snapshot.repelling.values()
        if node.obj is not None
        for t in other.required_anti_affinity
        if t.means(pod.namespace, pod.labels, snapshot.namespace_labels) and (domain := _domain(t, node))
    }


FILTER = Filter("InterPodAffinity", check, frozenset({Event.NODE_ADDED, Event.NODE_LABELS, *POD_EVENTS}))
