"""LimitRange (core/v1). What it does to pods is in `limits`.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_LimitRangeItem),
pkg/apis/core/validation/validation.go (ValidateLimitRange).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.core import resourcelist
from wherry.objects import Object, fields, quantity
from wherry.objects.errors import FieldError
from wherry.objects.resource import LIMIT_RANGES

_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_LISTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def _default(obj: Object) -> None:
    for item in (obj.setdefault("spec", {})).get("limits") or ():
        for key in _LISTS:
            resourcelist.round_up(item.get(key))
        if item.get("type") == "Container":
            _default_container(item)


def _default_container(item: Object) -> None:
    """A default limit follows max; a default request follows the default limit, or else min."""
    default = {**(item.get("max") or {}), **(item.get("default") or {})}
    request = {**(item.get("min") or {}), **default, **(item.get("defaultRequest") or {})}
    for key, value in (("default", default), ("defaultRequest", request)):
        if value:
            item[key] = value
        else:
            item.pop(key, None)


def _validate(obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    seen = set()
    for i, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{i}]", item.get("type") or ""
        if kind not in _TYPES:
            text = "must be a standard limit type or fully qualified"
            errors.append(fields.invalid(f"{path}.type", kind, text))
        if kind in seen:
            errors.append(fields.duplicate(f"{path}.type", kind))
        seen.add(kind)
        errors += _item(path, item, kind)
    return errors


def _item(path: str, item: Object, kind: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for key in _LISTS:
        amounts = item.get(key) or {}
        if kind == "Pod" and key in ("default", "defaultRequest"):
            if amounts:
                errors.append(fields.forbidden(f"{path}.{key}", "may not be specified when `type` is 'Pod'"))
        elif kind in ("Pod", "Container"):
            for name in amounts:
                errors += resourcelist.validate_name(f"{path}.{key}[{name}]", name)
    for name in sorted({name for key in _LISTS for name in item.get(key) or {}}):
        errors += _order(path, item, name)
    return errors


# (greater bound, its words, smaller bound, its words, whose value is shown and where)
_ORDERS = (
    ("max", "max value", "min", "min value", "min", "min"),
    ("defaultRequest", "default request value", "min", "min value", "defaultRequest", "defaultRequest"),
    ("max", "max value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
    ("default", "default limit value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
    ("default", "default value", "min", "min value", "min", "default"),
    ("max", "max value", "default", "default value", "max", "default"),
)


def _order(path: str, item: Object, name: str) -> list[FieldError]:
    errors = []
    amounts = {key: (item.get(key) or {}).get(name) for key in _LISTS}
    for high, high_words, low, low_words, shown, where in _ORDERS:
        greater, smaller = amounts[high], amounts[low]
        if greater is not None and smaller is not None and quantity.compare(smaller, greater) > 0:
            text = f"{low_words} {smaller} is greater than {high_words} {greater}"
            errors.append(fields.invalid(f"{path}.{where}[{name}]", amounts[shown], text))
    ratio = amounts["maxLimitRequestRatio"]
    if ratio is not None and quantity.compare(ratio, "1") < 0:
        where = f"{path}.maxLimitRequestRatio[{name}]"
        errors.append(fields.invalid(where, ratio, f"ratio {ratio} is less than 1"))
    return errors


LIMIT_RANGE = Kind(
    resource=LIMIT_RANGES,
    short_names=("limits",),
    create_on_update=True,
    default=_default,
    validate=_validate,
    columns=(Column("Created At", lambda obj: obj["metadata"].get("creationTimestamp", ""), "date"),),
    age=False,
)
