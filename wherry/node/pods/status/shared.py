"""The status of a pod has several writers: which part is the node's, and the patch that puts it in place. Pure.

Others write conditions of their own, and the node controller takes Ready away from the pods of a silent node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.node.pods.status.conditions import OURS
from wherry.objects import Object

FIELDS = frozenset(
    {
        "observedGeneration", "phase", "reason", "message", "conditions", "startTime", "hostIP", "hostIPs",
        "podIP", "podIPs", "initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses",
    }
)  # fmt: skip
"""The fields of a pod's status that are the node's; of the conditions only some."""

MERGED = {"conditions": "type", "podIPs": "ip", "hostIPs": "ip"}
"""The lists a strategic merge patch merges by a key (k8s.io/api core/v1 PodStatus); others it replaces."""


def ours(status: Object) -> Object:
    """Return the part of a status that is the node's."""
    part = {name: value for name, value in status.items() if name in FIELDS}
    if "conditions" in part:
        part["conditions"] = [c for c in part["conditions"] if c["type"] in OURS]
    return part


def combined(mine: Object, known: Object) -> Object:
    """Return a status with the node's part taken from `mine`, and what others write from `known`."""
    theirs = {name: value for name, value in known.items() if name not in FIELDS}
    conditions = [c for c in known.get("conditions") or () if c["type"] not in OURS]
    whole = theirs | ours(mine)
    if conditions or "conditions" in whole:
        whole["conditions"] = [*whole.get("conditions", ()), *conditions]
    return whole


def patch(mine: Object, known: Object) -> Object:
    """Return the strategic merge patch of a status `known` that puts the node's part of `mine` in place, {} for none.

    It names no condition of others, so that one they write at the same moment is not lost. A null says nothing.
    """
    wanted, present = _said(ours(mine)), _said(ours(known))
    change: Object = {name: None for name in present if name not in wanted}
    for name, value in wanted.items():
        key = MERGED.get(name)
        if key is None:
            if present.get(name) != value:
                change[name] = value
        elif entries := _entries(value, present.get(name) or (), key):
            change[name] = entries
    return change


def _entries(wanted: Sequence[Object], present: Sequence[Object], key: str) -> list[Object]:
    """Return what of a merged list is to be written, and what is to go."""
    there: dict[Any, Object] = {entry[key]: entry for entry in present}
    kept = {entry[key] for entry in wanted}
    written = [_whole(entry, there.get(entry[key], {})) for entry in wanted if there.get(entry[key]) != entry]
    return [*written, *({key: name, "$patch": "delete"} for name in there if name not in kept)]


def _whole(entry: Object, old: Object) -> Object:
    """Return an entry that takes the place of `old`, whose other fields would stay."""
    return {**{name: None for name in old if name not in entry}, **entry}


def _said(value: Any) -> Any:
    """Return a value without nulls, which the API does not keep."""
    if isinstance(value, dict):
        return {k: _said(v) for k, v in value.items() if v is not None}
    return [_said(item) for item in value] if isinstance(value, list) else value
