"""ServiceCIDR (networking.k8s.io/v1): a range Services get cluster IPs from.

The one called `kubernetes` is made at the server's start, from its configuration; others extend the allocation
(`core/services/ranges`). Source of rules and texts: k8s.io/kubernetes pkg/apis/networking/validation,
pkg/registry/networking/servicecidr, pkg/printers/internalversion/printers.go (printServiceCIDR); KEP-1880.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.family import family_of
from wherry.objects.meaning.servicecidrs import cidrs
from wherry.objects.resource import SERVICE_CIDRS

_PATH = "spec.cidrs"


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        new.pop("status", None)


def _validate(obj: Object) -> list[FieldError]:
    ranges = cidrs(obj)
    if not ranges:
        return [fields.required(_PATH, "at least one CIDR required")]
    if len(ranges) > 2:
        return [fields.invalid(_PATH, obj["spec"], "may only hold up to 2 values")]
    if len(ranges) == 2 and (
        any(checks.cidr(_PATH, c) for c in ranges) or family_of(ranges[0]) is family_of(ranges[1])
    ):
        text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        return [fields.invalid(_PATH, obj["spec"], text)]
    return [error for i, cidr in enumerate(ranges) for error in checks.canonical_cidr(f"{_PATH}[{i}]", cidr)]


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    """Check that the ranges stay; a second one, of the other family, may join the first."""
    before, after = cidrs(old), cidrs(new)
    if len(before) == 1 and len(after) == 2 and after[0] == before[0]:
        return []
    return checks.immutable(_PATH, after, before)


SERVICE_CIDR = Kind(
    resource=SERVICE_CIDRS,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    columns=(Column("CIDRs", lambda obj: ",".join(cidrs(obj))),),
)
