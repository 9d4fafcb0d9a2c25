"""Pure: the taints a node's conditions ask for. Other taints are its users' business."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object
from wherry.objects.meaning import wellknown
from wherry.objects.meaning.nodes import is_cordoned
from wherry.objects.meaning.wellknown import NOT_READY, UNREACHABLE, UNSCHEDULABLE
from wherry.objects.metadata import condition
from wherry.objects.taints import NO_EXECUTE, NO_SCHEDULE, taints_of
from wherry.objects.timestamps import rfc3339

BY_CONDITION: tuple[tuple[str, str, str], ...] = (
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", wellknown.MEMORY_PRESSURE),
    ("DiskPressure", "True", wellknown.DISK_PRESSURE),
    ("PIDPressure", "True", wellknown.PID_PRESSURE),
    ("NetworkUnavailable", "True", wellknown.NETWORK_UNAVAILABLE),
)
"""(condition, status, taint)."""

EVICTING = (NOT_READY, UNREACHABLE)


def keeping_away(node: Object) -> list[str]:
    """Return the keys of the NoSchedule taints the node should have from us."""
    found = [key for kind, status, key in BY_CONDITION if (c := condition(node, kind)) and c["status"] == status]
    return [*found, UNSCHEDULABLE] if is_cordoned(node) else found


def evicting(node: Object) -> str:
    """Return the key of the NoExecute taint the node should have ("": none, it is ready)."""
    ready = condition(node, "Ready")
    if ready is None or ready["status"] == "True":
        return ""
    return NOT_READY if ready["status"] == "False" else UNREACHABLE


def desired(node: Object, now: float, *, evict: bool) -> list[Object]:
    """Return the node's taints as they should be; `evict` False leaves out *new* NoExecute taints (not now)."""
    ours = {key for *_, key in BY_CONDITION} | {UNSCHEDULABLE}
    old: Sequence[Object] = taints_of(node)
    wanted = [(key, NO_SCHEDULE) for key in keeping_away(node)]
    if key := evicting(node):
        wanted.append((key, NO_EXECUTE))
    result = [t for t in old if not _is_ours(t, ours) or (t["key"], t["effect"]) in wanted]
    there = {(t["key"], t["effect"]) for t in result}
    for key, effect in wanted:
        if (key, effect) in there or (effect == NO_EXECUTE and not evict):
            continue
        result.append({"key": key, "effect": effect, "timeAdded": rfc3339(now)})
    return result


def is_evicting(taint: Object) -> bool:
    """Return whether a taint is the NoExecute one of a node that is not ready."""
    return taint["effect"] == NO_EXECUTE and taint["key"] in EVICTING


def _is_ours(taint: Object, keys: set[str]) -> bool:
    if taint["effect"] == NO_SCHEDULE:
        return taint["key"] in keys
    return is_evicting(taint)
