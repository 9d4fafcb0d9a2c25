"""Pure: what becomes of a volume, given the claim that it is for.

Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go (syncVolume, reclaimVolume).
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.objects import Object, metadata
from wherry.objects.meaning.volumes import BOUND_BY_CONTROLLER, LOCAL_PATH, PROVISIONED_BY

_NO_RECYCLER = "No recycler plugin found for the volume!"


@dataclass(frozen=True, slots=True)
class Fate:
    """The phase a volume is in, and why; whether it goes, or (`unbind`) is nobody's any more."""

    phase: str
    reason: str = ""
    message: str = ""
    delete: bool = False
    unbind: bool = False


def decide(volume: Object, claim: Object | None) -> Fate:
    """Return what becomes of a volume; `claim` is the object that its claimRef names, if there is one."""
    reference = volume["spec"].get("claimRef") or {}
    if not reference.get("uid"):
        return Fate("Available")
    if claim is None or claim["metadata"]["uid"] != reference["uid"]:
        return _released(volume)
    asked = claim["spec"].get("volumeName")
    if not asked or asked == volume["metadata"]["name"]:
        return Fate("Bound")
    if PROVISIONED_BY in metadata.annotations(volume) and _policy(volume) == "Delete":
        return _released(volume)
    return Fate("Available", unbind=True)


def _released(volume: Object) -> Fate:
    name, policy = volume["metadata"]["name"], _policy(volume)
    provisioner = metadata.annotations(volume).get(PROVISIONED_BY)
    if policy == "Recycle":
        return Fate("Failed", "VolumeFailedRecycle", _NO_RECYCLER)
    if policy != "Delete":
        return Fate("Released")
    if provisioner is None:
        message = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
        return Fate("Failed", "VolumeFailedDelete", message)
    return Fate("Released", delete=provisioner == LOCAL_PATH)


def _policy(volume: Object) -> str:
    return volume["spec"].get("persistentVolumeReclaimPolicy") or "Retain"


def unbound(volume: Object) -> Object:
    """Return a volume that is nobody's any more, though kept for whom a person has reserved it."""
    spec, meta = {**volume["spec"]}, {**volume["metadata"]}
    reference = dict(spec.pop("claimRef"))
    annotations = dict(metadata.annotations(volume))
    if annotations.pop(BOUND_BY_CONTROLLER, None) is None:
        reference.pop("uid", None)
        reference.pop("resourceVersion", None)
        spec["claimRef"] = reference
    meta["annotations"] = annotations
    return {**volume, "metadata": meta, "spec": spec}
