"""Which generation of a pod its status tells of: who writes a status need not repeat what was said before.

Source: KEP-5067; k8s.io/kubernetes pkg/registry/core/pod/strategy.go (preserveOldObservedGeneration).
"""

from __future__ import annotations

from wherry.objects import Object

OBSERVED = "observedGeneration"


def keep(new: Object, old: Object) -> None:
    """Keep, in place, what the status and its conditions said to have observed, where a writer says nothing."""
    now, was = new.get("status") or {}, old.get("status") or {}
    _keep(now, was)
    before = {one.get("type"): one for one in was.get("conditions") or ()}
    for condition in now.get("conditions") or ():
        _keep(condition, before.get(condition.get("type"), {}))


def _keep(now: Object, was: Object) -> None:
    if was.get(OBSERVED) and not now.get(OBSERVED):
        now[OBSERVED] = was[OBSERVED]
