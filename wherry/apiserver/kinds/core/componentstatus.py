"""ComponentStatus (v1): how a part of the control plane is, asked when somebody reads it (`wherry.apiserver.parts`).

Source: kubernetes pkg/printers/internalversion/printers.go (printComponentStatus); pkg/registry/core/componentstatus.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.objects import Object
from wherry.objects.resource import COMPONENT_STATUSES

_SHOWN = {"True": "Healthy", "False": "Unhealthy"}


def _healthy(obj: Object) -> Object:
    return next((c for c in obj.get("conditions") or () if c.get("type") == "Healthy"), {})


COMPONENT_STATUS = Kind(
    resource=COMPONENT_STATUSES,
    short_names=("cs",),
    columns=(
        Column("Status", lambda obj: _SHOWN.get(_healthy(obj).get("status", ""), "Unknown")),
        Column("Message", lambda obj: _healthy(obj).get("message", "")),
        Column("Error", lambda obj: _healthy(obj).get("error", "")),
    ),
    age=False,
    deprecations={("", "v1"): "v1 ComponentStatus is deprecated in v1.19+"},
)
