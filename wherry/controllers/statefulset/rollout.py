"""Pure: which pods a rolling update takes next.

Source: upstream pkg/controller/statefulset/stateful_set_control.go (updateStatefulSetAfterInvariantEstablished).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.controllers.percent import scaled
from wherry.controllers.statefulset.identity import revision_of
from wherry.objects import Object
from wherry.objects.metadata import is_being_deleted

Available = Callable[[Object], bool]


def unavailable_allowed(stateful_set: Object) -> int:
    """Return how many pods may be missing while an update goes on: one at least."""
    replicas = stateful_set["spec"].get("replicas", 1)
    return max(1, scaled(_rolling(stateful_set).get("maxUnavailable"), replicas, round_up=False))


def _rolling(stateful_set: Object) -> Object:
    rolling: Object = (stateful_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return rolling


def next_to_go(stateful_set: Object, replicas: Sequence[Object], update: str, works: Available) -> list[Object]:
    """Return the pods to delete, so that they come back of revision `update`; `replicas` are all there, by number."""
    updatable = replicas[_rolling(stateful_set).get("partition") or 0 :]
    old = [p for p in reversed(updatable) if revision_of(p) != update and not is_being_deleted(p)]
    budget = unavailable_allowed(stateful_set) - sum(not works(p) for p in replicas)
    if stateful_set["spec"].get("podManagementPolicy") != "Parallel":
        return old[: max(0, budget)]
    broken = [p for p in old if not works(p)]  # cost nothing: they do not work as it is
    return broken + [p for p in old if works(p)][: max(0, budget)]
