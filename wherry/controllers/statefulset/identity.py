"""Pure: who the pods of a StatefulSet are.

Source: upstream pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from wherry.controllers import revision
from wherry.controllers.podtemplate import pod_from
from wherry.controllers.statefulset.claims import volumes_for
from wherry.objects import Object, metadata
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH, POD_INDEX, STATEFUL_POD_NAME

_name = re.compile(r"(.*)-([0-9]{1,9})")


class Revisions(NamedTuple):
    """The two ControllerRevisions a StatefulSet's pods may be of: `current` before an update, `update` after it."""

    current: Object
    update: Object

    @property
    def names(self) -> set[str]:
        """Their names."""
        return {r["metadata"]["name"] for r in self}


def ordinal(stateful_set: Object, pod: Object) -> int | None:
    """Return a pod's number; None for one that is called otherwise than this StatefulSet's pods."""
    match = _name.fullmatch(pod["metadata"]["name"])
    return int(match[2]) if match and match[1] == stateful_set["metadata"]["name"] else None


def ordinals(stateful_set: Object) -> range:
    """Return the numbers the StatefulSet's pods have."""
    spec = stateful_set["spec"]
    start = (spec.get("ordinals") or {}).get("start", 0)
    return range(start, start + spec.get("replicas", 1))


def revision_of(pod: Object) -> str:
    """Return the name of the ControllerRevision a pod was made from."""
    return metadata.labels(pod).get(CONTROLLER_REVISION_HASH, "")


def new_pod(stateful_set: Object, number: int, revisions: Revisions) -> Object:
    """Return the pod to create: below the partition of a rolling update it is of the old revision."""
    chosen = revisions.current if _stays_old(stateful_set, number) else revisions.update
    pod = pod_from(revision.template_of(chosen), stateful_set)
    meta, spec = pod["metadata"], pod["spec"]
    del meta["generateName"]
    meta["name"] = f"{stateful_set['metadata']['name']}-{number}"
    own = marks(pod, number) | {CONTROLLER_REVISION_HASH: chosen["metadata"]["name"]}
    meta["labels"] = {**metadata.labels(pod), **own}
    spec["hostname"] = meta["name"]
    if service := stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = service
    if volumes := volumes_for(stateful_set, number, spec.get("volumes") or ()):
        spec["volumes"] = volumes
    return pod


def marks(pod: Object, number: int) -> dict[str, str]:
    """Return the labels that tell a pod from its siblings."""
    return {STATEFUL_POD_NAME: pod["metadata"]["name"], POD_INDEX: str(number)}


def _stays_old(stateful_set: Object, number: int) -> bool:
    spec, first = stateful_set["spec"], ordinals(stateful_set).start
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        return False
    if strategy.get("rollingUpdate") is None:
        below = (stateful_set.get("status") or {}).get("currentReplicas", 0)
    else:
        below = strategy["rollingUpdate"].get("partition") or 0
    return bool(number < first + below)
