"""What a filter and a score are, and the changes that make a filter's verdict worth asking for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot

Check: TypeAlias = Callable[[Node], Sequence[str]]
"""Returns the reasons against a node, in the words of the user's message; empty: the node will do."""


class Everywhere(NamedTuple):
    """The reason why a pod can go nowhere, whatever the node."""

    reason: str


Prepare: TypeAlias = Callable[[Pod, Snapshot], Check | Everywhere | None]
"""Makes the check of one pod; None when the filter has no opinion on it."""

Score: TypeAlias = Callable[[Pod, Snapshot, Sequence[Node]], Sequence[float] | None]
"""Returns 0 (worst) to 100 (best) for each of the nodes; None when it makes no difference."""


class Event(Enum):
    """A change in the cluster that may give a waiting pod a chance."""

    NODE_ADDED = auto()
    NODE_LABELS = auto()
    NODE_TAINTS = auto()
    NODE_ALLOCATABLE = auto()
    POD_ADDED = auto()
    POD_LABELS = auto()
    POD_REMOVED = auto()
    NODE_REMOVED = auto()
    CLAIM = auto()
    VOLUME = auto()
    STORAGE_CLASS = auto()


POD_EVENTS = frozenset({Event.POD_ADDED, Event.POD_LABELS, Event.POD_REMOVED})


class Filter(NamedTuple):
    """One predicate. `helped_by`: the changes that may make it take a pod it refused; the pod waits for one of them."""

    name: str
    """Upstream's name of the plugin."""
    prepare: Prepare
    helped_by: frozenset[Event]


FITS: Sequence[str] = ()

BEST = 100.0


def normalized(raw: Sequence[float], *, reverse: bool = False) -> Sequence[float] | None:
    """Scale by the largest value to 0 … 100, turned around when little is good; None when all are 0."""
    largest = max(raw, default=0.0)
    if not largest:
        return None
    return [BEST - BEST * r / largest if reverse else BEST * r / largest for r in raw]
