"""Pure: since when a replica is available, and which one to delete first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cmp_to_key

from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import is_ready, node_of, ready_since
from wherry.objects.meaning.wellknown import DELETION_COST
from wherry.objects.timestamps import parse

PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


def available_in(pod: Object, min_ready_seconds: int, now: float) -> float | None:
    """Return the seconds until the pod counts as available (0 when it does), or None when it is not even ready."""
    if not is_ready(pod):
        return None
    if not min_ready_seconds:
        return 0.0
    since = ready_since(pod)
    if since is None:
        return float(min_ready_seconds)
    return max(0.0, since + min_ready_seconds - now)


def is_available(pod: Object, min_ready_seconds: int, now: float) -> bool:
    """Return whether the pod has been ready for at least `min_ready_seconds`."""
    return available_in(pod, min_ready_seconds, now) == 0.0


def next_available(owner: Object, pods: Iterable[Object], now: float) -> float | None:
    """Return in how many seconds the next ready pod becomes available, None when time alone changes nothing."""
    min_ready = owner["spec"].get("minReadySeconds", 0)
    return min((wait for p in pods if (wait := available_in(p, min_ready, now))), default=None)


def restarts(pod: Object) -> int:
    """Return the highest restart count of the pod's containers."""
    return max((c.get("restartCount", 0) for c in pod.get("status", {}).get("containerStatuses") or ()), default=0)


def _deletion_cost(pod: Object) -> int:
    try:
        return int(metadata.annotations(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _age_bucket(at: float, now: float) -> int:
    """Return the age's order of magnitude (base 2): pods of about the same age are picked at random, by uid."""
    nanoseconds = (now - at) * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds >= 1 else -1


def _younger_first(a: float | None, b: float | None, a_uid: str, b_uid: str, now: float) -> int:
    """Order by time, the later (or unknown) one first; about equal ages fall back to the uid."""
    if a is None or b is None:
        return (a is not None) - (b is not None)
    by_age = _age_bucket(a, now) - _age_bucket(b, now)
    if by_age:
        return by_age
    return (a_uid > b_uid) - (a_uid < b_uid)


def deletion_order(pods: Sequence[Object], pods_on_node: Mapping[str, int], now: float) -> list[Object]:
    """Return `pods` with those that should go first in front.

    `pods_on_node` counts, per node, the related pods there: crowded nodes lose pods first.
    Source: upstream pkg/controller/controller_utils.go, `ActivePodsWithRanks`.
    """

    def fixed(pod: Object) -> tuple[bool, int, bool, int, int]:
        node = node_of(pod)
        return (
            bool(node),
            PHASE_RANK.get(pod.get("status", {}).get("phase") or "Unknown", 1),
            is_ready(pod),
            _deletion_cost(pod),
            -pods_on_node.get(node, 0),
        )

    def compare(a: Object, b: Object) -> int:
        first, second = fixed(a), fixed(b)
        if first != second:
            return -1 if first < second else 1
        a_uid, b_uid = a["metadata"].get("uid", ""), b["metadata"].get("uid", "")
        a_ready, b_ready = ready_since(a), ready_since(b)
        if is_ready(a) and a_ready != b_ready:
            return _younger_first(a_ready, b_ready, a_uid, b_uid, now)
        if restarts(a) != restarts(b):
            return restarts(b) - restarts(a)
        return _younger_first(_created(a), _created(b), a_uid, b_uid, now)

    return sorted(pods, key=cmp_to_key(compare))


def _created(obj: Object) -> float | None:
    at = obj["metadata"].get("creationTimestamp")
    return parse(at) if at else None
