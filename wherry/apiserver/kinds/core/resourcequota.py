"""ResourceQuota (core/v1): how much the objects of a namespace may ask for together.

`wherry.apiserver.admission.resourcequota` holds writes to it, a controller keeps its status.
Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateResourceQuota),
pkg/apis/core/helper/helpers.go, pkg/printers/internalversion/printers.go (printResourceQuota).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import checks
from wherry.apiserver.kinds.core import resourcelist
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError
from wherry.objects.meaning import quotas
from wherry.objects.resource import RESOURCE_QUOTAS

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
STANDARD = frozenset(
    [
        *_COMPUTE,
        *(f"{key}.{name}" for key in ("requests", "limits") for name in _COMPUTE),
        *("pods", "services", "persistentvolumeclaims", "requests.storage", "services.nodeports"),
        *("services.loadbalancers", *quotas.OLD_NAMES),
    ]
)
_CONFLICTS = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_EXISTS_ONLY = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_NO_VALUES, _VALUES = ("Exists", "DoesNotExist"), ("In", "NotIn")


def _default(obj: Object) -> None:
    resourcelist.round_up((obj.get("spec") or {}).get("hard"))


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        new["status"] = {}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    hard = spec.get("hard") or {}
    errors = [error for name, value in hard.items() for error in _limit(f"spec.hard[{name}]", name, value)]
    return errors + _scopes(spec.get("scopes") or [], hard) + _selector(spec.get("scopeSelector") or {}, hard)


def _limit(path: str, name: str, value: str) -> list[FieldError]:
    errors = checks.named(path, name, names.qualified_name)
    if not errors and "/" not in name and name not in STANDARD and not resourcelist.is_hugepages(_bare(name)):
        errors.append(fields.invalid(path, name, "must be a standard resource for quota"))
    amount = quantity.parse(value)
    if amount.nano < 0:
        errors.append(fields.invalid(path, value, "must be greater than or equal to 0"))
    if amount.nano % quantity.NANO and _is_count(name):
        errors.append(fields.invalid(path, value, "must be an integer"))
    return errors


def _bare(name: str) -> str:
    return name.removeprefix("requests.").removeprefix("limits.")


def _is_count(name: str) -> bool:
    return name in STANDARD and _bare(name) not in _COMPUTE and name != "requests.storage"


def _scopes(scopes: list[str], hard: Object) -> list[FieldError]:
    errors = []
    for i, scope in enumerate(scopes):
        errors += _scope(f"spec.scopes[{i}]", scope, hard)
    if any(pair <= set(scopes) for pair in _CONFLICTS):
        errors.append(fields.invalid("spec.scopes", scopes, "conflicting scopes"))
    return errors


def _scope(path: str, scope: str, hard: Object) -> list[FieldError]:
    if scope not in (*quotas.SCOPES, quotas.OF_CLAIMS):
        return [fields.invalid(path, scope, "unsupported scope")]
    for name in hard:
        of = quotas.resource_of(name)
        fits = of == ("", "persistentvolumeclaims") if scope == quotas.OF_CLAIMS else of == ("", "pods")
        if not fits or (scope == "BestEffort" and name not in ("pods", "count/pods")):
            return [fields.invalid(path, scope, "unsupported scope applied to resource")]
    return []


def _selector(selector: Object, hard: Object) -> list[FieldError]:
    errors, path = [], "spec.scopeSelector.matchExpressions"
    for i, term in enumerate(selector.get("matchExpressions") or ()):
        scope, operator, values = term.get("scopeName") or "", term.get("operator") or "", term.get("values") or []
        errors += _scope(f"{path}[{i}].scopeName", scope, hard)
        if operator not in (*_NO_VALUES, *_VALUES):
            errors.append(fields.invalid(f"{path}[{i}].operator", operator, "not a valid selector operator"))
        elif scope in _EXISTS_ONLY and operator != "Exists":
            prefixed = [f"ResourceQuotaScope{name}" for name in ("Terminating", "NotTerminating", *_EXISTS_ONLY[:2])]
            told = f"{', '.join(prefixed)} or ResourceQuotaScope{_EXISTS_ONLY[-1]}"
            why = f"must be 'Exist' when scope is any of {told}"
            errors.append(fields.invalid(f"{path}[{i}].operator", operator, why))
        elif operator in _VALUES and not values:
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            errors.append(fields.required(f"{path}[{i}].values", why))
        elif operator in _NO_VALUES and values:
            why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            errors.append(fields.invalid(f"{path}[{i}].values", values, why))
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    scopes = [set((obj.get("spec") or {}).get("scopes") or ()) for obj in (new, old)]
    if scopes[0] != scopes[1]:
        return [fields.invalid("spec.scopes", sorted(scopes[0]), "field is immutable")]
    return []


def _shown(obj: Object, limits: bool) -> str:
    used = (obj.get("status") or {}).get("used") or {}
    hard = (obj.get("status") or {}).get("hard") or {}
    chosen = [name for name in sorted(hard) if name.startswith("limits.") is limits]
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in chosen)


RESOURCE_QUOTA = Kind(
    resource=RESOURCE_QUOTAS,
    short_names=("quota",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    columns=(
        Column("Request", lambda obj: _shown(obj, limits=False)),
        Column("Limit", lambda obj: _shown(obj, limits=True)),
    ),
)
