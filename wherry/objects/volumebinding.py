"""Which volume a claim gets, and from which nodes a volume can be used.

Source: k8s.io/component-helpers storage/volume (FindMatchingVolume, CheckNodeAffinity).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.objects import Object, metadata, quantity
from wherry.objects.meaning.volumes import capacity, class_of, fits, is_claimed_by, mode
from wherry.objects.nodeaffinity import term_matches
from wherry.objects.selectors import from_object


def usable_from(volume: Object, node: Object) -> bool:
    """Return whether pods on `node` can use a volume; one without node affinity is everywhere."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or any(term_matches(term, node) for term in required.get("nodeSelectorTerms") or ())


def allows(storage_class: Object, node: Object) -> bool:
    """Return whether volumes of a class may be made for `node`."""
    terms = storage_class.get("allowedTopologies") or ()
    return not terms or any(_allows(term, metadata.labels(node)) for term in terms)


def _allows(term: Object, labels: Any) -> bool:
    wanted = term.get("matchLabelExpressions") or ()
    return all(labels.get(requirement["key"]) in requirement["values"] for requirement in wanted)


def misfit(volume: Object, claim: Object) -> str:
    """Return why a volume is not what a claim asks for, "" where it is."""
    if not fits(volume, claim):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if mode(volume) != mode(claim):
        return "incompatible volumeMode"
    return "" if _has_modes(volume, claim) else "incompatible accessMode"


def _has_modes(volume: Object, claim: Object) -> bool:
    return set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())


def best(
    claim: Object, volumes: Iterable[Object], *, node: Object | None = None, reserved: bool = False
) -> Object | None:
    """Return the volume reserved for a claim, or else the smallest that fits; None where there is none.

    With a `node`, volumes that cannot be used there do not count; with `reserved`, only what is reserved does.
    """
    chosen: Object | None = None
    for volume in volumes:
        if metadata.is_being_deleted(volume) or not _is_candidate(volume, claim, node):
            continue
        if volume["spec"].get("claimRef"):
            return volume
        if not reserved and (chosen is None or _rank(volume) < _rank(chosen)):
            chosen = volume
    return chosen


def _is_candidate(volume: Object, claim: Object, node: Object | None) -> bool:
    if misfit(volume, claim) or (node is not None and not usable_from(volume, node)):
        return False
    if volume["spec"].get("claimRef"):
        return is_claimed_by(volume, claim)
    if (volume.get("status") or {}).get("phase") != "Available":
        return False
    selector = claim["spec"].get("selector")
    return selector is None or from_object(selector).matches(metadata.labels(volume))


def _rank(volume: Object) -> tuple[int, str]:
    return quantity.parse(capacity(volume)).nano, volume["metadata"]["name"]
