"""Event: one store behind core/v1 and events.k8s.io/v1.

Source: k8s.io/kubernetes pkg/apis/core/validation/events.go, pkg/apis/events/v1/conversion.go,
pkg/printers/internalversion/printers.go (printEvent).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Conversion, Kind
from wherry.apiserver.kinds.common import ages, cells, checks
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.wellknown import SYSTEM_NAMESPACE
from wherry.objects.resource import EVENTS

# events.k8s.io/v1 -> core/v1
_RENAMED = {
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_RENAMED_BACK = {new: old for old, new in _RENAMED.items()}
_OBJECT_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def _default(obj: Object) -> None:
    obj.setdefault("involvedObject", {})
    for key in ("reportingComponent", "reportingInstance"):
        obj.setdefault(key, "")


def _validate(obj: Object) -> list[FieldError]:
    return _new_style(obj) if obj.get("eventTime") else _same_namespace(obj)


def _same_namespace(obj: Object) -> list[FieldError]:
    about = cells.text(obj, "involvedObject", "namespace")
    own = cells.text(obj, "metadata", "namespace")
    if about == own or (not about and own == "default"):
        return []
    return [fields.invalid("involvedObject.namespace", about, "does not match event.namespace")]


def _new_style(obj: Object) -> list[FieldError]:
    errors = []
    about = cells.text(obj, "involvedObject", "namespace")
    if not about and cells.text(obj, "metadata", "namespace") not in ("default", SYSTEM_NAMESPACE):
        errors.append(fields.invalid("involvedObject.namespace", about, "does not match event.namespace"))
    controller = obj.get("reportingComponent") or ""
    if not controller:
        errors.append(fields.required("reportingController"))
    errors += checks.named("reportingController", controller, names.qualified_name)
    for key in ("reportingInstance", "action", "reason"):
        value = obj.get(key) or ""
        if not value:
            errors.append(fields.required(key))
        if len(value) > 128:
            errors.append(fields.invalid(key, "", "can have at most 128 characters"))
    if len(obj.get("message") or "") > 1024:
        errors.append(fields.invalid("message", "", "can have at most 1024 characters"))
    return errors


def _to_core(obj: Object) -> Object:
    return {_RENAMED.get(key, key): value for key, value in obj.items()}


def _from_core(obj: Object) -> Object:
    return {_RENAMED_BACK.get(key, key): value for key, value in obj.items()}


def _first_seen(obj: Object) -> str:
    return ages.since(obj.get("firstTimestamp") or obj.get("eventTime"))


def _last_seen(obj: Object) -> str:
    if series := obj.get("series"):
        return ages.since(series.get("lastObservedTime"))
    return ages.since(obj["lastTimestamp"]) if obj.get("lastTimestamp") else _first_seen(obj)


def _count(obj: Object) -> int:
    count = (obj.get("series") or obj).get("count")
    return count or 1


def _target(obj: Object) -> str:
    about = obj.get("involvedObject") or {}
    kind = (about.get("kind") or "").lower()
    return f"{kind}/{about['name']}" if about.get("name") else kind


def _source(obj: Object) -> str:
    source = obj.get("source") or {}
    parts = [source.get("component") or obj.get("reportingComponent"), source.get("host")]
    if not source.get("component") and obj.get("reportingComponent"):
        parts = [obj["reportingComponent"], obj.get("reportingInstance")]
    return ", ".join(p for p in parts if p)


EVENT = Kind(
    resource=EVENTS,
    short_names=("ev",),
    also=(("events.k8s.io", "v1"),),
    default=_default,
    validate=_validate,
    conversions={("events.k8s.io", "v1"): Conversion(_to_core, _from_core)},
    name_column=False,
    create_on_update=True,
    age=False,
    columns=(
        Column("Last Seen", _last_seen),
        Column("Type", lambda obj: cells.text(obj, "type")),
        Column("Reason", lambda obj: cells.text(obj, "reason")),
        Column("Object", _target),
        Column("Subobject", lambda obj: cells.text(obj, "involvedObject", "fieldPath"), priority=1),
        Column("Source", _source, priority=1),
        Column("Message", lambda obj: cells.text(obj, "message").strip()),
        Column("First Seen", _first_seen, priority=1),
        Column("Count", _count, priority=1),
        Column("Name", lambda obj: cells.text(obj, "metadata", "name"), priority=1),
    ),
    fields={
        **{
            f"{holder}.{key}": lambda obj, key=key: cells.text(obj, "involvedObject", key)  # type: ignore[misc]
            for holder in ("involvedObject", "regarding")
            for key in _OBJECT_FIELDS
        },
        "reason": lambda obj: cells.text(obj, "reason"),
        "type": lambda obj: cells.text(obj, "type"),
        "source": lambda obj: cells.text(obj, "source", "component") or cells.text(obj, "reportingComponent"),
        "reportingComponent": lambda obj: cells.text(obj, "reportingComponent"),
    },
)
