"""Pure: what becomes of a claim, given the volumes it could have.

Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go (syncClaim).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wherry.component.events import EventKind
from wherry.objects import Object, metadata
from wherry.objects.meaning.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    SELECTED_NODE,
    class_of,
    is_claimed_by,
    waits_for_consumer,
)
from wherry.objects.volumebinding import best, misfit

_LOST = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
_VOLUME_LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
_MISBOUND = "Two claims are bound to the same volume, this one is bound incorrectly"
_NO_CLASS = "no persistent volumes available for this claim and no storage class is set"
_WAITING = "waiting for first consumer to be created before binding"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim's volume (`bind`), or its phase and why; `provisioner` is who is asked to make a volume."""

    bind: Object | None = None
    phase: str = "Pending"
    type: EventKind = "Normal"
    reason: str = ""
    message: str = ""
    provisioner: str = ""


def decide(claim: Object, named: Object | None, candidates: Iterable[Object], storage_class: Object | None) -> Verdict:
    """Return what becomes of a claim.

    `named` is the volume that its spec names, if that is there; `candidates` are the volumes of its class.
    """
    if BIND_COMPLETED in metadata.annotations(claim):
        return _bound(claim, named)
    if claim["spec"].get("volumeName"):
        return _named(claim, named)
    waits = waits_for_consumer(storage_class) and SELECTED_NODE not in metadata.annotations(claim)
    if found := best(claim, candidates, reserved=waits):
        return Verdict(bind=found)
    if waits:
        return Verdict(reason="WaitForFirstConsumer", message=_WAITING)
    return _unprovided(claim, storage_class)


def _bound(claim: Object, volume: Object | None) -> Verdict:
    if not claim["spec"].get("volumeName"):
        return Verdict(phase="Lost", type="Warning", reason="ClaimLost", message=_LOST)
    if volume is None:
        return Verdict(phase="Lost", type="Warning", reason="ClaimLost", message=_VOLUME_LOST)
    if not volume["spec"].get("claimRef") or is_claimed_by(volume, claim):
        return Verdict(bind=volume)
    return Verdict(phase="Lost", type="Warning", reason="ClaimMisbound", message=_MISBOUND)


def _named(claim: Object, volume: Object | None) -> Verdict:
    if volume is None:
        return Verdict()
    name = volume["metadata"]["name"]
    if volume["spec"].get("claimRef"):
        if is_claimed_by(volume, claim):
            return Verdict(bind=volume)
        message = f'volume "{name}" already bound to a different claim.'
        return Verdict(type="Warning", reason="FailedBinding", message=message)
    if why := misfit(volume, claim):
        message = f'Cannot bind to requested volume "{name}": {why}'
        return Verdict(type="Warning", reason="VolumeMismatch", message=message)
    return Verdict(bind=volume)


def _unprovided(claim: Object, storage_class: Object | None) -> Verdict:
    name = class_of(claim)
    if not name:
        return Verdict(reason="FailedBinding", message=_NO_CLASS)
    if storage_class is None:
        message = f'storageclass.storage.k8s.io "{name}" not found'
        return Verdict(type="Warning", reason="ProvisioningFailed", message=message)
    provisioner = storage_class["provisioner"]
    if provisioner == NO_PROVISIONER:
        return Verdict(reason="FailedBinding", message=_NO_CLASS)
    message = (
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
        "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
        "correctly registered."
    )
    return Verdict(reason="ExternalProvisioning", message=message, provisioner=provisioner)


def bound_claim(claim: Object, volume: Object) -> Object:
    """Return the claim as it is when the volume is its own."""
    name, asked = volume["metadata"]["name"], claim["spec"].get("volumeName")
    marks = (BIND_COMPLETED,) if asked else (BIND_COMPLETED, BOUND_BY_CONTROLLER)
    if asked == name and BIND_COMPLETED in metadata.annotations(claim):
        return claim
    return {**claim, "metadata": _marked(claim, *marks), "spec": {**claim["spec"], "volumeName": name}}


def bound_status(claim: Object, volume: Object) -> Object:
    """Return the status of a claim that has its volume."""
    status: Object = {**(claim.get("status") or {}), "phase": "Bound"}
    if (claim.get("status") or {}).get("phase") != "Bound" or "capacity" not in status:
        status["capacity"] = volume["spec"]["capacity"]
    status["accessModes"] = volume["spec"]["accessModes"]
    return status


def _marked(obj: Object, *marks: str) -> Object:
    annotations = {**metadata.annotations(obj), **dict.fromkeys(marks, "yes")}
    return {**obj["metadata"], "annotations": annotations}
