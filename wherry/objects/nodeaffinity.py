"""Which nodes a pod's nodeSelector and node affinity admit.

Source: k8s.io/component-helpers scheduling/corev1/nodeaffinity.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.objects import Object, metadata

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def admits(pod_spec: Object, node: Object) -> bool:
    """Return whether `node` has all the labels of nodeSelector and fulfils the required node affinity."""
    labels = metadata.labels(node)
    if any(labels.get(k) != v for k, v in (pod_spec.get("nodeSelector") or {}).items()):
        return False
    required = _node_affinity(pod_spec).get(REQUIRED)
    if required is None:
        return True
    return any(term_matches(term, node) for term in required.get("nodeSelectorTerms") or ())


def preferred_weight(pod_spec: Object, node: Object) -> int:
    """Return the sum of the weights of the preferred node affinity terms that `node` fulfils."""
    terms = _node_affinity(pod_spec).get(PREFERRED) or ()
    return sum(t["weight"] for t in terms if t["weight"] and _preference_matches(t["preference"], node))


def has_preference(pod_spec: Object) -> bool:
    """Return whether the pod prefers any nodes at all."""
    return bool(_node_affinity(pod_spec).get(PREFERRED))


def term_matches(term: Object, node: Object) -> bool:
    """Return whether `node` fulfils one NodeSelectorTerm; a term without requirements matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    labels, names = metadata.labels(node), {"metadata.name": node["metadata"]["name"]}
    return all(_holds(e, labels) for e in expressions) and all(_holds(f, names) for f in fields)


def _preference_matches(term: Object, node: Object) -> bool:
    """Unlike a required term, an empty preference holds everywhere."""
    return not (term.get("matchExpressions") or term.get("matchFields")) or term_matches(term, node)


def _node_affinity(pod_spec: Object) -> Object:
    return (pod_spec.get("affinity") or {}).get("nodeAffinity") or {}


def _holds(requirement: Object, values: Mapping[str, str]) -> bool:
    value = values.get(requirement["key"])
    wanted = requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return value is not None and _compare(operator, value, wanted)
    return False


def _compare(operator: str, value: str, wanted: list[str]) -> bool:
    try:
        left, right = int(value), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return left > right if operator == "Gt" else left < right
