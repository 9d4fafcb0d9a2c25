"""Two looks at counters make a rate.

Source: metrics-server pkg/storage/{node,pod}.go (what is new, or has begun anew, counts from its start).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.timestamps import parse


class Counters(NamedTuple):
    """CPU time used so far in nanoseconds, memory in use in bytes, when it began in seconds since the epoch."""

    cpu: int
    memory: int
    started: float = 0.0


class Usage(NamedTuple):
    """CPU in nanocores, memory in bytes."""

    cpu: int
    memory: int


Container = tuple[str, str]
"""(uid of the pod, name of the container)."""


class Sample(NamedTuple):
    """What an agent counted at a time, in seconds since the epoch."""

    at: float
    node: Counters | None
    containers: Mapping[Container, Counters]


class Measured(NamedTuple):
    """What was used in the `window` of seconds that ended `at` a time."""

    at: float
    window: float
    node: Usage | None
    containers: Mapping[Container, Usage]


def sample(summary: Object, now: float) -> Sample:
    """Return the counters in an agent's summary (stats/v1alpha1); what it does not know is left out."""
    found: dict[Container, Counters] = {}
    for pod in _list(summary.get("pods")):
        uid = (pod.get("podRef") or {}).get("uid", "")
        for one in _list(pod.get("containers")):
            if (counters := _counters(one)) is not None:
                found[uid, one.get("name", "")] = counters
    return Sample(now, _counters(summary.get("node") or {}), found)


def between(old: Sample, new: Sample) -> Measured:
    """Return the mean use between two samples."""
    window = new.at - old.at
    containers = {
        key: _rate(old.containers.get(key), counters, old.at, new.at) for key, counters in new.containers.items()
    }
    node = _rate(old.node, new.node, old.at, new.at) if new.node is not None else None
    return Measured(new.at, window, node, containers)


def _rate(old: Counters | None, new: Counters, since: float, now: float) -> Usage:
    if old is None or old.cpu > new.cpu or old.started != new.started:
        old, since = Counters(0, 0), max(new.started, 0.0)
    seconds = now - since
    return Usage(int((new.cpu - old.cpu) / seconds) if seconds > 0 else 0, new.memory)


def _counters(one: Mapping[str, Any]) -> Counters | None:
    try:
        started = parse(one["startTime"]) if one.get("startTime") else 0.0
        return Counters(one["cpu"]["usageCoreNanoSeconds"], one["memory"]["workingSetBytes"], started)
    except (KeyError, TypeError, ValueError):
        return None


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
