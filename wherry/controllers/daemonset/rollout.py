"""Pure: the daemon pods to create and to delete now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from wherry.controllers.daemonset.placement import Eligibility
from wherry.controllers.percent import scaled
from wherry.controllers.pods import is_available
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import has_ended
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH

Works = Callable[[Object | None], bool]
"""Tells whether there is a pod, and it is available."""


class Work(NamedTuple):
    """Nodes to create a pod on, and pods to delete."""

    create: list[str]
    delete: list[Object]


class Update(NamedTuple):
    """The bounds of a rolling update: pods that may be missing, and that may run beside an old one."""

    unavailable: int
    surge: int


def update_of(daemon_set: Object, nodes: int) -> Update:
    """Resolve maxUnavailable and maxSurge (both rounded up); without either, one pod at a time."""
    rolling = (daemon_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", 0), nodes, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0 if surge else 1), nodes, round_up=True)
    return Update(unavailable if unavailable or surge else 1, surge)


def is_new(pod: Object, digest: str) -> bool:
    """Return whether a pod is of the current template."""
    return metadata.labels(pod).get(CONTROLLER_REVISION_HASH) == digest


def manage(eligible: Mapping[str, Eligibility], pods: Mapping[str, Sequence[Object]], digest: str, surge: int) -> Work:
    """Return what makes one pod per eligible node: what is missing, surplus, finished, or must not stay."""
    work = Work([], [])
    for node, may in eligible.items():
        here = [p for p in pods.get(node, ()) if not metadata.is_being_deleted(p)]
        if may.run and not pods.get(node):
            work.create.append(node)
        elif may.stay:
            finished = [p for p in here if has_ended(p)]
            work.delete.extend(finished)  # their end frees the node for a new one
            running = [p for p in here if not has_ended(p)]
            work.delete.extend(_surplus(running, digest, surge))
        else:
            work.delete.extend(here)
    for node, strays in pods.items():
        if node not in eligible:  # the node is gone; bound pods are the pod collector's
            work.delete.extend(p for p in strays if not p["spec"].get("nodeName") and not metadata.is_being_deleted(p))
    return work


def _surplus(running: Sequence[Object], digest: str, surge: int) -> list[Object]:
    """Return all but the oldest pod on a node; a surge may have one new pod beside one old."""
    if surge:
        new = [p for p in running if is_new(p, digest)]
        old = [p for p in running if not is_new(p, digest)]
        return [*sorted(new, key=_age)[1:], *sorted(old, key=_age)[1:]]
    return sorted(running, key=_age)[1:]


def _age(pod: Object) -> tuple[bool, str, str]:
    """A pod that has a node is older than one that waits for it."""
    meta = pod["metadata"]
    return not pod["spec"].get("nodeName"), meta.get("creationTimestamp", ""), meta["name"]


class _Place(NamedTuple):
    node: str
    new: Object | None
    old: Object | None


def roll(
    eligible: Mapping[str, Eligibility],
    pods: Mapping[str, Sequence[Object]],
    digest: str,
    update: Update,
    min_ready: int,
    now: float,
) -> Work:
    """Return the next step of a rolling update."""
    places = [_place(n, pods.get(n, ()), digest) for n, may in eligible.items() if may.run]

    def works(pod: Object | None) -> bool:
        return pod is not None and not metadata.is_being_deleted(pod) and is_available(pod, min_ready, now)

    if update.surge:
        return _roll_with_surge(places, update.surge, works)
    return _roll_in_place(places, update.unavailable, works)


def _place(node: str, here: Sequence[Object], digest: str) -> _Place:
    new = next((p for p in here if is_new(p, digest)), None)
    old = next((p for p in here if not is_new(p, digest)), None)
    return _Place(node, new, old)


def _roll_in_place(places: Iterable[_Place], unavailable: int, works: Works) -> Work:
    """Delete old pods: broken ones at once, working ones as long as enough others work."""
    missing, broken, candidates = 0, [], []
    for place in places:
        if place.new is not None:
            missing += not works(place.new)
        elif place.old is None or metadata.is_being_deleted(place.old):
            missing += 1
        elif works(place.old):
            candidates.append(place.old)
        else:
            missing += 1
            broken.append(place.old)
    return Work([], [*broken, *candidates[: max(0, unavailable - missing)]])


def _roll_with_surge(places: Iterable[_Place], surge: int, works: Works) -> Work:
    """Create new pods beside the old; an old one goes when the new one works."""
    running, urgent, candidates, delete = 0, [], [], []
    for place in places:
        if place.old is None or metadata.is_being_deleted(place.old):
            continue
        if place.new is not None:
            running += 1
            if works(place.new):
                delete.append(place.old)
        elif works(place.old):
            candidates.append(place.node)
        else:
            urgent.append(place.node)
    return Work([*urgent, *candidates[: max(0, surge - running - len(urgent))]], delete)
