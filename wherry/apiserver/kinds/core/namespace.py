"""Namespace (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Namespace), pkg/registry/core/namespace.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, objectmeta
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.meaning.wellknown import NAMESPACE_NAME
from wherry.objects.resource import NAMESPACES

FINALIZER = "kubernetes"
"""What keeps a deleted namespace until a controller has emptied it."""


def _default(obj: Object) -> None:
    meta = obj["metadata"]
    if meta.get("name"):
        meta["labels"] = {**(meta.get("labels") or {}), NAMESPACE_NAME: meta["name"]}
    status = obj.get("status") or {}
    obj["status"] = {**status, "phase": status.get("phase") or "Active"}


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        kept = finalizers if FINALIZER in finalizers else [*finalizers, FINALIZER]
        new["spec"] = {"finalizers": kept}
        new["status"] = {"phase": "Active"}


def _finalizers(obj: Object) -> list[str]:
    found: list[str] = (obj.get("spec") or {}).get("finalizers") or []
    return found


def _validate(obj: Object) -> list[FieldError]:
    errors = []
    for finalizer in _finalizers(obj):
        errors += objectmeta.validate_finalizer("spec.finalizers", finalizer)
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    phase = new["status"]["phase"]
    if metadata.is_being_deleted(new):
        if phase != "Terminating":
            text = "may only be 'Terminating' if `deletionTimestamp` is not empty"
            return [fields.invalid("status.Phase", phase, text)]
    elif phase != "Active":
        text = "may only be 'Active' if `deletionTimestamp` is empty"
        return [fields.invalid("status.Phase", phase, text)]
    return []


def _deleting(obj: Object) -> None:
    obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}


def _phase(obj: Object) -> str:
    return cells.text(obj, "status", "phase")


NAMESPACE = Kind(
    resource=NAMESPACES,
    short_names=("ns",),
    name_pattern="dns-label",
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    deleting=_deleting,
    held=lambda obj: bool(_finalizers(obj)),
    columns=(Column("Status", _phase),),
    fields={"status.phase": _phase},
)
