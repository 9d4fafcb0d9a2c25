"""Taints of nodes, tolerations of pods: which taint keeps a pod away.

Source: k8s.io/api core/v1 toleration.go (`ToleratesTaint`), k8s.io/component-helpers scheduling/corev1/helpers.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from wherry.objects import Object

NO_SCHEDULE = "NoSchedule"
PREFER_NO_SCHEDULE = "PreferNoSchedule"
NO_EXECUTE = "NoExecute"


def tolerates(toleration: Object, taint: Object) -> bool:
    """Return whether one toleration covers one taint; an empty effect or (with Exists) an empty key covers all."""
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint["effect"]:
        return False
    if key and key != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(taints: Iterable[Object], tolerations: Sequence[Object], effects: Collection[str]) -> Object | None:
    """Return the first taint with one of `effects` that no toleration covers, or None."""
    for taint in taints:
        if taint["effect"] in effects and not any(tolerates(t, taint) for t in tolerations):
            return taint
    return None


def taints_of(node: Object) -> list[Object]:
    """Return a node's taints."""
    return (node.get("spec") or {}).get("taints") or []


def tolerations_of(pod: Object) -> list[Object]:
    """Return a pod's tolerations."""
    return (pod.get("spec") or {}).get("tolerations") or []
