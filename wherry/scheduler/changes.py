"""Pure: what a change of a node or pod means for the pods that wait."""

from __future__ import annotations

from wherry.objects import Object, metadata
from wherry.objects.meaning.nodes import is_cordoned
from wherry.objects.taints import taints_of
from wherry.scheduler.plugin import Event


def node_events(old: Object | None, new: Object | None) -> set[Event]:
    """Return what happened to a node that may help somebody."""
    if new is None:
        return {Event.NODE_REMOVED}
    if old is None:
        return {Event.NODE_ADDED}
    events = set()
    if metadata.labels(old) != metadata.labels(new):
        events.add(Event.NODE_LABELS)
    if taints_of(old) != taints_of(new) or is_cordoned(old) != is_cordoned(new):
        events.add(Event.NODE_TAINTS)
    if _allocatable(old) != _allocatable(new):
        events.add(Event.NODE_ALLOCATABLE)
    return events


def pod_events(old: Object | None, new: Object | None) -> set[Event]:
    """Return what happened to a pod on a node that may help others; `None` means: not on a node, or ended."""
    if new is None:
        return {Event.POD_REMOVED}
    if old is None:
        return {Event.POD_ADDED}
    changed = metadata.labels(old) != metadata.labels(new)
    leaving = metadata.is_being_deleted(new) and not metadata.is_being_deleted(old)
    return {Event.POD_LABELS} if changed or leaving else set()


def _allocatable(node: Object) -> Object:
    return (node.get("status") or {}).get("allocatable") or {}
