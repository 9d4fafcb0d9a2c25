"""Node and pod affinity of a pod.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (validateAffinity).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks, labelselector
from wherry.apiserver.kinds.core import nodeselector
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def validate(path: str, affinity: Object) -> list[FieldError]:
    """Check `spec.affinity`."""
    errors = []
    if (node := affinity.get("nodeAffinity")) is not None:
        errors += _node(f"{path}.nodeAffinity", node)
    for kind in ("podAffinity", "podAntiAffinity"):
        if (pod := affinity.get(kind)) is not None:
            errors += _pod(f"{path}.{kind}", pod)
    return errors


def _node(path: str, affinity: Object) -> list[FieldError]:
    errors = []
    if (selector := affinity.get(_REQUIRED)) is not None:
        errors += nodeselector.validate(f"{path}.{_REQUIRED}", selector)
    for i, preference in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{i}]"
        errors += _weight(f"{here}.weight", preference)
        errors += nodeselector.validate_term(f"{here}.preference", preference.get("preference") or {})
    return errors


def _weight(path: str, term: Object) -> list[FieldError]:
    weight = term.get("weight") or 0
    return [] if 1 <= weight <= 100 else [fields.invalid(path, weight, "must be in the range 1-100")]


def _pod(path: str, affinity: Object) -> list[FieldError]:
    errors = []
    for i, term in enumerate(affinity.get(_REQUIRED) or ()):
        errors += _pod_term(f"{path}.{_REQUIRED}[{i}]", term)
    for i, preference in enumerate(affinity.get(_PREFERRED) or ()):
        here = f"{path}.{_PREFERRED}[{i}]"
        errors += _weight(f"{here}.weight", preference)
        errors += _pod_term(f"{here}.podAffinityTerm", preference.get("podAffinityTerm") or {})
    return errors


def _pod_term(path: str, term: Object) -> list[FieldError]:
    errors = labelselector.validate(f"{path}.labelSelector", term.get("labelSelector"))
    errors += labelselector.validate(f"{path}.namespaceSelector", term.get("namespaceSelector"))
    for i, namespace in enumerate(term.get("namespaces") or ()):
        errors += checks.named(f"{path}.namespaces[{i}]", namespace, names.dns_label)
    if not (key := term.get("topologyKey")):
        return [*errors, fields.required(f"{path}.topologyKey", "can not be empty")]
    return errors + checks.named(f"{path}.topologyKey", key, names.label_key)
