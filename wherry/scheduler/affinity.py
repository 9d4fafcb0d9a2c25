"""Pure: pod affinity terms: which other pods they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.nodeaffinity import PREFERRED, REQUIRED
from wherry.objects.selectors import LabelSelector, stored

NamespaceLabels = Callable[[str], Mapping[str, str]]


class Term(NamedTuple):
    """One pod affinity term: the pods it means, the node label that says what "together" is, its weight."""

    topology_key: str
    selector: LabelSelector
    namespaces: frozenset[str]
    namespace_selector: LabelSelector
    weight: int

    def means(self, namespace: str, labels: Mapping[str, str], namespace_labels: NamespaceLabels) -> bool:
        """Return whether a pod with these labels in `namespace` is one of those the term is about."""
        if not self.selector.matches(labels):
            return False
        return namespace in self.namespaces or self.namespace_selector.matches(namespace_labels(namespace))


def terms_of(pod: Object, kind: str, *, required: bool) -> tuple[Term, ...]:
    """Return the terms of `podAffinity` or `podAntiAffinity`; a required one weighs 1."""
    affinity = (pod["spec"].get("affinity") or {}).get(kind) or {}
    if required:
        return tuple(_term(t, pod, 1) for t in affinity.get(REQUIRED) or ())
    return tuple(_term(t["podAffinityTerm"], pod, t["weight"]) for t in affinity.get(PREFERRED) or ())


def _term(term: Object, pod: Object, weight: int) -> Term:
    namespaces = frozenset(term.get("namespaces") or ())
    selector = term.get("namespaceSelector")
    if not namespaces and selector is None:
        namespaces = frozenset([pod["metadata"]["namespace"]])
    return Term(term["topologyKey"], stored(term.get("labelSelector")), namespaces, stored(selector), weight)
