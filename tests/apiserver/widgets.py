"""A kind that no server has from the start, as a custom resource's definition would make one."""

from __future__ import annotations

from typing import Any

from wherry.apiserver.kind import Column, Kind
from wherry.objects import Object
from wherry.objects.definitions import Description, Field, declare
from wherry.objects.errors import FieldError
from wherry.objects.resource import Resource

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
_META = "#io.k8s.apimachinery.pkg.apis.meta.v1."
_ABOUT = {"spec": "What the widget is to be.", "status": "What it is."}
TYPES = declare(
    {
        "com.example.v1.Widget": (
            "v1.Widget",
            [
                Field("", f"{_META}TypeMeta", flags="i"),
                Field("metadata", f"{_META}ObjectMeta", flags="o"),
                Field("spec", "#com.example.v1.WidgetSpec", flags="oz"),
                Field("status", "#com.example.v1.WidgetStatus", flags="oz"),
            ],
            Description("A thing of some size.", _ABOUT),
        ),
        "com.example.v1.WidgetSpec": (
            "v1.WidgetSpec",
            [
                Field("size", "int32", flags="r"),
                Field("parts", "[]#com.example.v1.Part", flags="o", strategy="merge", merge_key="name"),
            ],
            Description("", {"size": "How large it is, in hands.", "parts": "What it is made of."}),
        ),
        "com.example.v1.Part": ("v1.Part", [Field("name", "string", flags="r")], Description("One part.")),
        "com.example.v1.WidgetStatus": ("v1.WidgetStatus", [Field("phase", "string", flags="o")], Description("")),
    }
)


def _validate(obj: Object) -> list[FieldError]:
    size = (obj.get("spec") or {}).get("size", 0)
    return [] if size >= 0 else [FieldError("FieldValueInvalid", "spec.size", f"Invalid value: {size}: is negative")]


def kind(**changes: Any) -> Kind:
    """Return a fresh kind."""
    declared: dict[str, Any] = {
        "resource": WIDGETS,
        "types": {("example.com", "v1"): TYPES["com.example.v1.Widget"]},
        "short_names": ("wd",),
        "has_status": True,
        "generation": True,
        "validate": _validate,
        "columns": (Column("Size", lambda obj: (obj.get("spec") or {}).get("size", 0), type="integer"),),
    }
    return Kind(**(declared | changes))


def widget(name: str, size: int = 1, **meta: Any) -> Object:
    metadata = {"name": name} | meta
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": size}}
