"""PodTemplate (core/v1): a template that is kept by itself. Nothing makes pods of it.

Source: k8s.io/kubernetes pkg/registry/core/podtemplate/strategy.go, pkg/apis/core/validation/validation.go
(ValidatePodTemplate), pkg/printers/internalversion/printers.go (printPodTemplate).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.objects import Object
from wherry.objects.errors import FieldError
from wherry.objects.resource import POD_TEMPLATES


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    podwarnings.of_pod("template.spec", new["template"]["spec"], _spec(old) if old else None, context)


def _validate(obj: Object) -> list[FieldError]:
    return podtemplate.validate_template("template", obj["template"])


def _spec(obj: Object) -> Object:
    spec: Object = (obj.get("template") or {}).get("spec") or {}
    return spec


POD_TEMPLATE = Kind(
    resource=POD_TEMPLATES,
    default=podtemplate.default,
    prepare=_prepare,
    validate=_validate,
    generation=True,
    generation_counts_all=True,
    columns=(
        Column("Containers", lambda obj: cells.container_names(_spec(obj))),
        Column("Images", lambda obj: cells.container_images(_spec(obj))),
        Column("Pod Labels", lambda obj: cells.labels(podtemplate.labels(obj))),
    ),
    age=False,
)
