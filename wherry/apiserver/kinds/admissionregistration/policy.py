"""ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1).

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.admissionregistration import matchconditions, matchresources
from wherry.apiserver.kinds.admissionregistration.matchconditions import expression
from wherry.apiserver.kinds.common.defaults import fill
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import VALIDATING_ADMISSION_POLICIES

FAILURE = ("Fail", "Ignore")
REASONS = ("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")
IN_CONDITIONS = ("object", "oldObject", "request", "authorizer", "namespaceObject", "params")
VARIABLES = (*IN_CONDITIONS, "variables")
"""What expressions may speak of."""
MOST_ANNOTATIONS = 20


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    fill(spec, failurePolicy="Fail")
    if spec.get("matchConstraints") is not None:
        matchresources.default(spec["matchConstraints"])


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        new.pop("status", None)


def _validate(obj: Object) -> list[FieldError]:
    return list(_errors(obj.get("spec") or {}))


def _errors(spec: Object) -> Iterator[FieldError]:
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
    yield from _variables(spec.get("variables") or [])
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        text = "validations or auditAnnotations must contain at least one item"
        yield fields.required("spec.validations", text)
        yield fields.required("spec.auditAnnotations", text)
    for i, rule in enumerate(spec.get("validations") or ()):
        yield from _rule(rule, f"spec.validations[{i}]")
    yield from _annotations(spec.get("auditAnnotations") or [])


def _variables(variables: list[Object]) -> Iterator[FieldError]:
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
        yield from expression(variable.get("expression") or "", f"{path}.expression", VARIABLES)


def _rule(rule: Object, path: str) -> Iterator[FieldError]:
    text, message = (rule.get("expression") or "").strip(), rule.get("message") or ""
    yield from expression(text, f"{path}.expression", VARIABLES, "BOOL")
    if message and not message.strip():
        yield fields.invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif "\n" in message.strip():
        yield fields.invalid(f"{path}.message", message, "message must not contain line breaks")
    elif "\n" in text and not message:
        yield fields.required(f"{path}.message", "message must be specified if expression contains line breaks")
    if said := rule.get("messageExpression"):
        yield from expression(said, f"{path}.messageExpression", VARIABLES, "STRING", "DYN")
    if (reason := rule.get("reason")) is not None and reason not in REASONS:
        yield fields.not_supported(f"{path}.reason", reason, REASONS)


def _annotations(entries: list[Object]) -> Iterator[FieldError]:
    if len(entries) > MOST_ANNOTATIONS:
        why = f"must not have more than {MOST_ANNOTATIONS} auditAnnotations"
        yield fields.invalid("spec.auditAnnotations", entries, why)
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        path, key = f"spec.auditAnnotations[{i}]", entry.get("key") or ""
        yield from (fields.invalid(f"{path}.key", key, text) for text in names.qualified_name(key))
        if key in seen:
            yield fields.duplicate(f"{path}.key", key)
        seen.add(key)
        text = entry.get("valueExpression") or ""
        yield from expression(text, f"{path}.valueExpression", VARIABLES, "STRING", "NULL", "DYN")


def _param_kind(obj: Object) -> str:
    kind = (obj.get("spec") or {}).get("paramKind")
    return f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else "<unset>"


VALIDATING_ADMISSION_POLICY = Kind(
    resource=VALIDATING_ADMISSION_POLICIES,
    categories=("api-extensions",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    columns=(
        Column("Validations", lambda obj: len((obj.get("spec") or {}).get("validations") or ()), "integer"),
        Column("ParamKind", _param_kind),
    ),
)
