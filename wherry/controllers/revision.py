"""Pure: a workload's history: one ControllerRevision per template it ever had, numbered.

`kubectl rollout history` and `undo` read these. Source: upstream pkg/controller/daemon/update.go,
pkg/controller/history/controller_history.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherry.objects import Object, metadata
from wherry.objects.names import template_hash


def data_of(owner: Object) -> Object:
    """Return what a revision keeps: a strategic merge patch that puts the template back.

    Its keys are sorted: clients tell whether a revision is the current one by comparing it, byte by byte, with what Go
    writes for the template (`daemon.Match` upstream).
    """
    patch: Object = _sorted({"spec": {"template": owner["spec"]["template"] | {"$patch": "replace"}}})
    return patch


def template_of(revision: Object) -> Object:
    """Return the template a revision keeps."""
    template: Object = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def of_template(owner: Object, revisions: Sequence[Object]) -> list[Object]:
    """Return the revisions with the owner's template, the newest first; more than one where somebody copied one."""
    data = data_of(owner)
    return sorted((r for r in revisions if r.get("data") == data), key=lambda r: -int(r["revision"]))


def next_number(revisions: Sequence[Object]) -> int:
    """Return the number after the highest."""
    return max((int(r["revision"]) for r in revisions), default=0) + 1


def make(owner: Object, number: int, hash_label: str) -> Object:
    """Return the revision to create, named `<owner>-<hash>`."""
    collisions = (owner.get("status") or {}).get("collisionCount") or 0
    template, meta = owner["spec"]["template"], owner["metadata"]
    digest = template_hash(template, collisions)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": {**((template.get("metadata") or {}).get("labels") or {}), hash_label: digest},
            "annotations": dict(metadata.annotations(owner)),
            "ownerReferences": [metadata.owner_reference(owner)],
        },
        "data": data_of(owner),
        "revision": number,
    }


def oldest(idle: Sequence[Object], count: int, keep: int | None) -> list[Object]:
    """Return which of the `idle` among `count` old revisions go, lowest number first, to `keep` so many (None: ten)."""
    limit = 10 if keep is None else keep
    return sorted(idle, key=lambda r: int(r["revision"]))[: max(0, count - limit)]
