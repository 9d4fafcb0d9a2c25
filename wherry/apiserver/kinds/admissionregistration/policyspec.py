"""What policies of both kinds have in common: whom they are about, on which conditions, with which variables.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicySpec,
validateMutatingAdmissionPolicySpec).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wherry.apiserver.kind import Column, Context
from wherry.apiserver.kinds.admissionregistration import matchconditions, matchresources
from wherry.apiserver.kinds.admissionregistration.matchconditions import expression
from wherry.apiserver.kinds.common.defaults import fill
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

FAILURE = ("Fail", "Ignore")
IN_CONDITIONS = ("object", "oldObject", "request", "authorizer", "namespaceObject", "params")
VARIABLES = (*IN_CONDITIONS, "variables")
"""What expressions may speak of."""

Check = Callable[..., Iterator[FieldError]]
"""As `matchconditions.expression`: yields what is wrong with an expression."""


def default(obj: Object) -> None:
    """Fill in what is left out, in place."""
    spec = obj.setdefault("spec", {})
    fill(spec, failurePolicy="Fail")
    if spec.get("matchConstraints") is not None:
        matchresources.default(spec["matchConstraints"])


def prepare(new: Object, old: Object | None, context: Context) -> None:
    """See `Kind.prepare`: nobody tells the status of what is only made."""
    if old is None:
        new.pop("status", None)


def errors(spec: Object, check: Check = expression) -> Iterator[FieldError]:
    """Yield what is wrong with what both have; `check` is for the expressions of variables."""
    if (failure := spec.get("failurePolicy")) not in FAILURE:
        yield fields.not_supported("spec.failurePolicy", failure, FAILURE)
    if (kind := spec.get("paramKind")) is not None:
        yield from (fields.required(f"spec.paramKind.{key}") for key in ("apiVersion", "kind") if not kind.get(key))
    if (constraints := spec.get("matchConstraints")) is None:
        yield fields.required("spec.matchConstraints")
    else:
        yield from matchresources.errors(constraints, "spec.matchConstraints")
        if not constraints.get("resourceRules"):
            yield fields.required("spec.matchConstraints.resourceRules")
    conditions = spec.get("matchConditions") or ()
    yield from matchconditions.errors(conditions, "spec.matchConditions", IN_CONDITIONS)
    yield from _variables(spec.get("variables") or [], check)


def _variables(variables: list[Object], check: Check) -> Iterator[FieldError]:
    seen: set[str] = set()
    for i, variable in enumerate(variables):
        path, name = f"spec.variables[{i}]", variable.get("name") or ""
        if not name:
            yield fields.required(f"{path}.name", "name is not specified")
        elif not name.isidentifier() or not name.isascii():
            yield fields.invalid(f"{path}.name", name, "name is not a valid CEL identifier")
        elif name in seen:
            yield fields.duplicate(f"{path}.name", name)
        seen.add(name)
        yield from check(variable.get("expression") or "", f"{path}.expression", VARIABLES)


def counted(part: str) -> Any:
    """Return what counts the rules of a policy, for a column."""
    return lambda obj: len((obj.get("spec") or {}).get(part) or ())


def _param_kind(obj: Object) -> str:
    kind = (obj.get("spec") or {}).get("paramKind")
    return f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else "<unset>"


PARAM_KIND = Column("ParamKind", _param_kind)
