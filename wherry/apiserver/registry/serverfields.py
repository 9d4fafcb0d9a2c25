"""What the server alone says of an object, whatever a client sends: its identity, its age, its generation.

Source: apiserver pkg/registry/rest/meta.go (FillObjectMetaSystemFields), create.go (BeforeCreate), update.go
(BeforeUpdate).
"""

from __future__ import annotations

import uuid

from wherry.apiserver.kind import Kind
from wherry.objects import Object, timestamps

_NEVER_NEW = ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation")
_KEPT = (
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
    "resourceVersion",
)


def give(kind: Kind, metadata: Object, now: float) -> None:
    """Give the metadata of a new object, in place, what the server decides; `now` in seconds since the epoch."""
    for key in _NEVER_NEW:
        metadata.pop(key, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = timestamps.rfc3339(now)
    if kind.generation:
        metadata["generation"] = 1


def kept(metadata: Object, old: Object) -> Object:
    """Return `metadata` of an update with what the server decided before, as `old` has it."""
    asked = {key: value for key, value in metadata.items() if key not in _KEPT}
    return asked | {key: old[key] for key in _KEPT if key in old}


def count(kind: Kind, obj: Object, old: Object) -> None:
    """Count a change of the spec, or of all that the kind counts, in `metadata.generation`, in place."""
    if kind.generation and _counted(kind, obj) != _counted(kind, old):
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _counted(kind: Kind, obj: Object) -> object:
    if not kind.generation_counts_all:
        return obj.get("spec")
    return {key: value for key, value in obj.items() if key not in ("metadata", "status" if kind.has_status else "")}
