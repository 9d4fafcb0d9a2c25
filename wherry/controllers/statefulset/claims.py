"""Pure: the claims of a StatefulSet's pods, and with whom they go (KEP-1847).

Source: upstream pkg/controller/statefulset/stateful_set_utils.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.objects import Object
from wherry.objects.metadata import copy, labels, owner_reference
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS

Claims = Mapping[str, Object]
"""The claims of a namespace that are there, by name."""


def claim_name(stateful_set: Object, template: Object, number: int) -> str:
    """Return the name of pod `number`'s claim made from one of the templates."""
    return f"{template['metadata']['name']}-{stateful_set['metadata']['name']}-{number}"


def templates(stateful_set: Object) -> Sequence[Object]:
    """Return the templates of claims."""
    return stateful_set["spec"].get("volumeClaimTemplates") or ()


def names(stateful_set: Object, number: int) -> list[str]:
    """Return the names of pod `number`'s claims."""
    return [claim_name(stateful_set, template, number) for template in templates(stateful_set)]


def volumes_for(stateful_set: Object, number: int, own: Sequence[Object]) -> list[Object]:
    """Return the volumes of pod `number`: one for each claim, and those of the template that no claim replaces."""
    claimed = {
        t["metadata"]["name"]: {"claimName": claim_name(stateful_set, t, number)} for t in templates(stateful_set)
    }
    made: list[Object] = [{"name": name, "persistentVolumeClaim": source} for name, source in claimed.items()]
    return made + [copy(volume) for volume in own if volume["name"] not in claimed]


def missing(stateful_set: Object, number: int, there: Claims) -> list[Object]:
    """Return the claims to create before pod `number`."""
    return [
        _claim(stateful_set, template, number)
        for template in templates(stateful_set)
        if claim_name(stateful_set, template, number) not in there
    ]


def _claim(stateful_set: Object, template: Object, number: int) -> Object:
    selected = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    meta = {k: copy(v) for k, v in template["metadata"].items() if k in ("annotations", "finalizers")}
    meta |= {
        "name": claim_name(stateful_set, template, number),
        "namespace": stateful_set["metadata"]["namespace"],
        "labels": {**labels(template), **selected},
    }
    kind = {"apiVersion": PERSISTENT_VOLUME_CLAIMS.api_version, "kind": PERSISTENT_VOLUME_CLAIMS.kind}
    return {**kind, "metadata": meta, "spec": copy(template["spec"])}


def is_stale(stateful_set: Object, pod_name: str, there: Claims, number: int) -> bool:
    """Return whether a claim of a pod still goes with a pod of that name that is gone: it is about to go, too."""
    if _policy(stateful_set, "whenScaled") == "Retain":
        return False
    found = (there[name] for name in names(stateful_set, number) if name in there)
    return any(r["kind"] == "Pod" and r["name"] == pod_name for claim in found for r in _owners(claim))


def reowned(stateful_set: Object, pod: Object, number: int, wanted: bool, there: Claims) -> list[Object]:
    """Return the claims of a pod with the owners they should have, those that have others; `wanted`: it stays."""
    found = (there[name] for name in names(stateful_set, number) if name in there)
    changed = ((claim, _rightful(stateful_set, pod, wanted, claim)) for claim in found)
    return [
        {**claim, "metadata": {**claim["metadata"], "ownerReferences": owners}}
        for claim, owners in changed
        if owners != _owners(claim)
    ]


def _rightful(stateful_set: Object, pod: Object, wanted: bool, claim: Object) -> list[Object]:
    """A claim goes with its pod when that is scaled away, or with the whole set, as the policy has it."""
    ours = {("StatefulSet", stateful_set["metadata"]["name"]), ("Pod", pod["metadata"]["name"])}
    uids = {stateful_set["metadata"]["uid"], pod["metadata"].get("uid")}
    before = _owners(claim)
    if any((r["kind"], r["name"]) in ours and r["uid"] not in uids for r in before):
        return before  # it goes with a namesake that is gone
    others = [r for r in before if r["uid"] not in uids]
    if any(r.get("controller") for r in others):
        return others
    if not wanted and _policy(stateful_set, "whenScaled") == "Delete":
        return [*others, owner_reference(pod)]
    if _policy(stateful_set, "whenDeleted") == "Delete":
        return [*others, owner_reference(stateful_set)]
    return others


def _policy(stateful_set: Object, when: str) -> str:
    policy: Mapping[str, str] = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    return policy.get(when) or "Retain"


def _owners(claim: Object) -> list[Object]:
    found: list[Object] = claim["metadata"].get("ownerReferences") or []
    return found
