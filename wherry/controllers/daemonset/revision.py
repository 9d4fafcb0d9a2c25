"""Pure: a DaemonSet's history: one ControllerRevision per template it ever had, numbered.

`kubectl rollout history` and `undo` read these. Source: upstream pkg/controller/daemon/update.go.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from wherry.objects import Object, metadata
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH
from wherry.objects.names import template_hash


def data_of(daemon_set: Object) -> Object:
    """Return what a revision keeps: a strategic merge patch that puts the template back.

    Its keys are sorted: clients tell whether a revision is the current one by comparing it, byte by byte, with what Go
    writes for the template (`daemon.Match` upstream).
    """
    patch: Object = _sorted({"spec": {"template": daemon_set["spec"]["template"] | {"$patch": "replace"}}})
    return patch


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def of_template(daemon_set: Object, revisions: Sequence[Object]) -> list[Object]:
    """Return the revisions with the DaemonSet's template, the newest first; more than one where somebody copied one."""
    data = data_of(daemon_set)
    return sorted((r for r in revisions if r.get("data") == data), key=lambda r: -int(r["revision"]))


def next_number(revisions: Sequence[Object]) -> int:
    """Return the number after the highest."""
    return max((int(r["revision"]) for r in revisions), default=0) + 1


def make(daemon_set: Object, number: int) -> Object:
    """Return the revision to create, named `<daemonset>-<hash>`."""
    collisions = (daemon_set.get("status") or {}).get("collisionCount") or 0
    digest = template_hash(daemon_set["spec"]["template"], collisions)
    meta = daemon_set["metadata"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": {**metadata.labels({"metadata": daemon_set["spec"]["template"].get("metadata") or {}})}
            | {CONTROLLER_REVISION_HASH: digest},
            "annotations": dict(metadata.annotations(daemon_set)),
            "ownerReferences": [metadata.owner_reference(daemon_set)],
        },
        "data": data_of(daemon_set),
        "revision": number,
    }


def digest_of(revision: Object) -> str:
    """Return the hash that pods of this revision carry."""
    return metadata.labels(revision)[CONTROLLER_REVISION_HASH]


def superfluous(old: Sequence[Object], keep: int | None, live: Collection[str]) -> list[Object]:
    """Return the old revisions beyond `keep` (None: ten) that no pod is of, lowest number first."""
    limit = 10 if keep is None else keep
    idle = sorted((r for r in old if digest_of(r) not in live), key=lambda r: int(r["revision"]))
    return idle[: max(0, len(old) - limit)]
