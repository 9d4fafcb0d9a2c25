"""Pure: is a node still heard of, and what its conditions say when it is not.

A heartbeat counts when *we* see it change: the clocks of nodes and of this process need not agree, and a control plane
that was down does not take its own silence for the nodes'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.metadata import condition
from wherry.objects.timestamps import rfc3339

WATCHED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")
SILENT = ("NodeStatusUnknown", "Kubelet stopped posting node status.")
NEVER_HEARD = ("NodeStatusNeverUpdated", "Kubelet never posted node status.")


class Heartbeat(NamedTuple):
    """What a node's Lease and Ready condition last said, and when we saw it change."""

    said: tuple[str, str]
    seen: float


def listen(before: Heartbeat | None, node: Object, lease: Object | None, now: float) -> Heartbeat:
    """Return the node's heartbeat as of now."""
    ready = condition(node, "Ready") or {}
    renewed = ((lease or {}).get("spec") or {}).get("renewTime") or ""
    beat = "" if ready.get("reason") in (SILENT[0], NEVER_HEARD[0]) else ready.get("lastHeartbeatTime") or ""
    said = (renewed, beat)
    if before is not None and (said == before.said or (renewed == before.said[0] and not beat)):
        return before
    return Heartbeat(said, now)


def silenced(node: Object, now: float) -> list[Object]:
    """Return the conditions of a node that is no longer heard of: what it said of itself is Unknown."""
    conditions: list[Object] = list((node.get("status") or {}).get("conditions") or ())
    at = rfc3339(now)
    for kind in WATCHED:
        old = condition(node, kind)
        if old is None:
            conditions.append(_unknown(kind, NEVER_HEARD, at))
        elif old["status"] != "Unknown":
            kept = {"lastHeartbeatTime": old["lastHeartbeatTime"]} if old.get("lastHeartbeatTime") else {}
            conditions[_position(conditions, kind)] = _unknown(kind, SILENT, at) | kept
    return conditions


def _unknown(kind: str, why: tuple[str, str], at: str) -> Object:
    reason, message = why
    return {
        "type": kind,
        "status": "Unknown",
        "lastHeartbeatTime": at,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }


def _position(conditions: Sequence[Object], kind: str) -> int:
    return next(i for i, c in enumerate(conditions) if c["type"] == kind)
