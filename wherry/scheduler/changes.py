"""Pure: what a change of a node or pod means for the pods that wait."""

from __future__ import annotations

from wherry.objects import Object, metadata
from wherry.objects.meaning.nodes import is_cordoned
from wherry.objects.meaning.requests import requests
from wherry.objects.meaning.wellknown import RESIZE_PENDING
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
    events = {Event.POD_REMOVED} if _gave_back(old, new) else set()
    changed = metadata.labels(old) != metadata.labels(new)
    leaving = metadata.is_being_deleted(new) and not metadata.is_being_deleted(old)
    return events | {Event.POD_LABELS} if changed or leaving else events


def _gave_back(old: Object, new: Object) -> bool:
    """Return whether a pod that is resized takes less of its node than before."""
    if old["spec"] == new["spec"] and _told(old) == _told(new):
        return False
    before, after = requests(old), requests(new)
    return any(value > after.get(name, 0) for name, value in before.items())


def _told(pod: Object) -> list[Object]:
    """Return what the node tells of the resources of a pod's containers, and whether it could resize them."""
    status = pod.get("status") or {}
    statuses = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    pending = metadata.condition(pod, RESIZE_PENDING)
    return [pending or {}, *({key: one.get(key) for key in ("resources", "allocatedResources")} for one in statuses)]


def _allocatable(node: Object) -> Object:
    return (node.get("status") or {}).get("allocatable") or {}
