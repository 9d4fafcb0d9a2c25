"""IPAddress (networking.k8s.io/v1): an address that somebody has, by its name, and who, by `spec.parentRef`.

Those of Services are their claims on their cluster IPs (`core/services/claims`), and written with them. Source of rules
and texts: k8s.io/kubernetes pkg/apis/networking/validation, pkg/registry/networking/ipaddress,
pkg/printers/internalversion/printers.go (printIPAddress); KEP-1880.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.servicecidrs import parent
from wherry.objects.resource import IP_ADDRESSES

_PATH = "spec.parentRef"


def _validate(obj: Object) -> list[FieldError]:
    reference = parent(obj)
    if not reference:
        return [fields.required(_PATH, "")]
    errors = []
    if group := reference.get("group"):
        errors += checks.named(f"{_PATH}.group", group, names.dns_subdomain)
    for key in ("resource", "name"):
        errors += checks.required_name(f"{_PATH}.{key}", reference.get(key), names.path_segment)
    if namespace := reference.get("namespace"):
        errors += checks.named(f"{_PATH}.namespace", namespace, names.path_segment)
    return errors


def _shown_parent(obj: Object) -> str:
    reference = parent(obj)
    resource = ".".join(part for part in (reference.get("resource"), reference.get("group")) if part).lower()
    namespace = f"/{reference['namespace']}" if reference.get("namespace") else ""
    return f"{resource}{namespace}/{reference.get('name', '')}" if reference else cells.NONE


IP_ADDRESS = Kind(
    resource=IP_ADDRESSES,
    short_names=("ip",),
    name_pattern="ip-address",
    validate=_validate,
    validate_update=lambda new, old: checks.immutable(_PATH, parent(new), parent(old)),
    columns=(Column("ParentRef", _shown_parent),),
    age=False,
)
