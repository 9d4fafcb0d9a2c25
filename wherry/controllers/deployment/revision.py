"""Pure: which ReplicaSet carries a Deployment's current template, how it is named, and what its annotations say.

Source: upstream pkg/controller/deployment/util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wherry.controllers.deployment.rollout import RolloutBounds
from wherry.objects import Object, metadata
from wherry.objects.meaning import wellknown
from wherry.objects.names import template_hash

HISTORY_CHARACTERS = 2000

NOT_INHERITED = frozenset(
    {
        wellknown.LAST_APPLIED,
        wellknown.ROLLBACK_TO,
        wellknown.REVISION,
        wellknown.REVISION_HISTORY,
        wellknown.DESIRED_REPLICAS,
        wellknown.MAX_REPLICAS,
    }
)
"""Annotations of a Deployment that its ReplicaSets do not get."""


def without_hash(template: Object) -> Object:
    """Return a pod template without the hash label, as the Deployment has it."""
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != wellknown.POD_TEMPLATE_HASH}
    return template | {"metadata": meta | {"labels": labels}}


def find_new(deployment: Object, replica_sets: Iterable[Object]) -> Object | None:
    """Return the ReplicaSet with the Deployment's template (the oldest, should there be several), or None."""
    wanted = without_hash(deployment["spec"]["template"])
    same = [r for r in replica_sets if without_hash(r["spec"]["template"]) == wanted]
    return min(same, key=by_age, default=None)


def by_age(obj: Object) -> tuple[str, str]:
    """Order from old to new, by name within a second (RFC 3339 in UTC sorts as text)."""
    return obj["metadata"].get("creationTimestamp", ""), obj["metadata"]["name"]


def revision_of(obj: Object) -> int:
    """Return a ReplicaSet's or Deployment's revision; 0 when it has none or an unreadable one."""
    try:
        return int(metadata.annotations(obj).get(wellknown.REVISION, "0"))
    except ValueError:
        return 0


def make_replica_set(deployment: Object, revision: int, size: int, limits: RolloutBounds) -> Object:
    """Return the ReplicaSet to create for the Deployment's template, named `<deployment>-<pod-template-hash>`."""
    template = metadata.copy(deployment["spec"]["template"])
    digest = template_hash(template, (deployment.get("status") or {}).get("collisionCount") or 0)
    labels = {**((template.get("metadata") or {}).get("labels") or {}), wellknown.POD_TEMPLATE_HASH: digest}
    template["metadata"] = (template.get("metadata") or {}) | {"labels": labels}
    selector = metadata.copy(deployment["spec"]["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), wellknown.POD_TEMPLATE_HASH: digest}
    spec = {"replicas": size, "selector": selector, "template": template}
    if deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{digest}",
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "annotations": inherited(deployment) | sizes(limits) | {wellknown.REVISION: str(revision)},
            "ownerReferences": [metadata.owner_reference(deployment)],
        },
        "spec": spec,
    }


def inherited(deployment: Object) -> dict[str, str]:
    """Return the annotations a Deployment hands down."""
    return {k: v for k, v in metadata.annotations(deployment).items() if k not in NOT_INHERITED}


def sizes(limits: RolloutBounds) -> dict[str, str]:
    """Return the annotations that remember for which Deployment size a ReplicaSet was sized."""
    return {wellknown.DESIRED_REPLICAS: str(limits.desired), wellknown.MAX_REPLICAS: str(limits.desired + limits.surge)}


def annotated_number(obj: Object, name: str) -> int | None:
    """Return a whole number kept in an annotation, or None."""
    try:
        return int(metadata.annotations(obj)[name])
    except (KeyError, ValueError):
        return None


def new_annotations(deployment: Object, replica_set: Object, revision: int) -> dict[str, str]:
    """Return what the new ReplicaSet's annotations should be, sizes aside.

    A rollback makes an old ReplicaSet the newest again: it gets the next revision and remembers the one it had.
    """
    current: Mapping[str, str] = metadata.annotations(replica_set)
    wanted = dict(current) | inherited(deployment)
    before = revision_of(replica_set)
    if before < revision:
        wanted[wellknown.REVISION] = str(revision)
        if before:
            wanted[wellknown.REVISION_HISTORY] = _with_history(current.get(wellknown.REVISION_HISTORY, ""), before)
    return wanted


def _with_history(history: str, revision: int) -> str:
    revisions = [*filter(None, history.split(",")), str(revision)]
    while len(",".join(revisions)) > HISTORY_CHARACTERS:
        revisions.pop(0)
    return ",".join(revisions)


def superfluous(old: Sequence[Object], keep: int | None) -> list[Object]:
    """Return the old ReplicaSets beyond `keep` (None: all) that nothing runs in any more, lowest revision first."""
    if keep is None:
        return []
    alive = sorted((r for r in old if not metadata.is_being_deleted(r)), key=lambda r: (revision_of(r), by_age(r)))
    return [r for r in alive[: max(0, len(alive) - keep)] if _idle(r)]


def _idle(replica_set: Object) -> bool:
    status = replica_set.get("status") or {}
    settled = replica_set["metadata"].get("generation", 0) <= status.get("observedGeneration", 0)
    return settled and not status.get("replicas") and not replica_set["spec"].get("replicas", 1)
