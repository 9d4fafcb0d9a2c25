"""Amounts of resources: container requests and limits.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateContainerResourceRequirements),
pkg/apis/core/helper/helpers.go.
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError

STANDARD = ("cpu", "memory", "ephemeral-storage")
_MILLI = quantity.NANO // 1000


def round_up(amounts: Object | None) -> None:
    """Round the amounts of a ResourceList up to thousandths, in place: finer ones Kubernetes does not keep."""
    if amounts:
        amounts.update({name: str(_rounded(quantity.parse(value))) for name, value in amounts.items()})


def _rounded(amount: quantity.Quantity) -> quantity.Quantity:
    return quantity.Quantity(-(-amount.nano // _MILLI) * _MILLI, amount.notation)


def is_native(name: str) -> bool:
    """Return whether a resource is Kubernetes' own: without prefix, or in kubernetes.io."""
    return "/" not in name or "kubernetes.io/" in name


def is_hugepages(name: str) -> bool:
    """Return whether a resource is huge pages of some size."""
    return name.startswith("hugepages-")


def overcommits(name: str) -> bool:
    """Return whether a request may be below the limit."""
    return is_native(name) and not is_hugepages(name)


def validate_name(path: str, name: str) -> list[FieldError]:
    """Check the name of a resource a container can ask for."""
    if errors := checks.named(path, name, names.qualified_name):
        return errors
    if "/" not in name and name not in STANDARD and not is_hugepages(name):
        return [
            fields.invalid(path, name, "must be a standard resource type or fully qualified"),
            fields.invalid(path, name, "must be a standard resource for containers"),
        ]
    if not is_native(name) and name.startswith("requests."):
        return [fields.invalid(path, name, "doesn't follow extended resource name standard")]
    return []


def validate_amount(path: str, name: str, value: str) -> list[FieldError]:
    """Check an amount of resource `name`: not negative, and whole where halves make no sense."""
    amount = quantity.parse(value)
    errors = []
    if amount.nano < 0:
        errors.append(fields.invalid(path, value, "must be greater than or equal to 0"))
    if not is_native(name) and amount.nano % quantity.NANO:
        errors.append(fields.invalid(path, value, "must be an integer"))
    return errors


def validate_requirements(path: str, resources: Object) -> list[FieldError]:
    """Check a container's `resources`."""
    limits = resources.get("limits") or {}
    requests = resources.get("requests") or {}
    errors = []
    for name, value in limits.items():
        errors += validate_name(f"{path}.limits[{name}]", name)
        errors += validate_amount(f"{path}.limits[{name}]", name, value)
    for name, value in requests.items():
        errors += validate_name(f"{path}.requests[{name}]", name)
        errors += validate_amount(f"{path}.requests[{name}]", name, value)
        errors += _against_limit(path, name, value, limits.get(name))
    asked = limits.keys() | requests.keys()
    if any(map(is_hugepages, asked)) and not asked & {"cpu", "memory"}:
        errors.append(fields.forbidden(path, "HugePages require cpu or memory"))
    return errors


def _against_limit(path: str, name: str, request: str, limit: str | None) -> list[FieldError]:
    if limit is None:
        if overcommits(name):
            return []
        return [fields.required(f"{path}.limits", "Limit must be set for non overcommitable resources")]
    order = quantity.compare(request, limit)
    if order and not overcommits(name):
        return [fields.invalid(f"{path}.requests", request, f"must be equal to {name} limit of {limit}")]
    if order > 0:
        return [fields.invalid(f"{path}.requests", request, f"must be less than or equal to {name} limit of {limit}")]
    return []
