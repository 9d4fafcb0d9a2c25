"""VolumeAttachment (storage.k8s.io/v1): kept for clients; nothing here attaches volumes.

Source: k8s.io/kubernetes pkg/apis/storage/validation/validation.go, pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.apiserver.kinds.storage import csi
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import VOLUME_ATTACHMENTS

_LONGEST_MESSAGE = 1024


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        csi.warn(new, old, context)
        new["status"] = {"attached": False}


def _validate(obj: Object) -> list[FieldError]:
    spec, status = obj["spec"], obj.get("status") or {}
    errors = csi.driver_name("spec.attacher", spec.get("attacher") or "")
    errors += _source("spec.source", spec.get("source") or {})
    errors += checks.named("spec.nodeName", spec.get("nodeName") or "", names.dns_subdomain)
    for key in ("attachError", "detachError"):
        if len((status.get(key) or {}).get("message") or "") > _LONGEST_MESSAGE:
            errors.append(fields.too_long(f"status.{key}.message", _LONGEST_MESSAGE))
    return errors


def _source(path: str, source: Object) -> list[FieldError]:
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    text = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
    if inline is None and name is None:
        return [fields.required(path, text)]
    if inline is not None and name is not None:
        return [fields.forbidden(path, text)]
    if name == "":
        return [fields.required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName")]
    if name:
        return checks.named(f"{path}.persistentVolumeName", name, names.dns_subdomain)
    if inline is not None and inline.get("csi") is None:
        text = "has to be specified in the context of inline volumes"
        return [fields.required(f"{path}.inlineVolumeSpec.csi", text)]
    return []


VOLUME_ATTACHMENT = Kind(
    resource=VOLUME_ATTACHMENTS,
    default=lambda obj: obj.update(spec=obj.get("spec") or {}),
    prepare=_prepare,
    validate=_validate,
    validate_update=lambda new, old: checks.immutable("spec", new["spec"], old["spec"]),
    has_status=True,
    columns=(
        Column("Attacher", lambda obj: cells.text(obj, "spec", "attacher"), format="name"),
        Column("PV", lambda obj: cells.text(obj, "spec", "source", "persistentVolumeName")),
        Column("Node", lambda obj: cells.text(obj, "spec", "nodeName")),
        Column("Attached", lambda obj: bool((obj.get("status") or {}).get("attached")), "boolean"),
    ),
)
