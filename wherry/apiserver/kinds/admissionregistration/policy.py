"""ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1).

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.admissionregistration import policyspec
from wherry.apiserver.kinds.admissionregistration.matchconditions import expression
from wherry.apiserver.kinds.admissionregistration.policyspec import VARIABLES
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import VALIDATING_ADMISSION_POLICIES

REASONS = ("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")
MOST_ANNOTATIONS = 20


def _validate(obj: Object) -> list[FieldError]:
    return list(_errors(obj.get("spec") or {}))


def _errors(spec: Object) -> Iterator[FieldError]:
    yield from policyspec.errors(spec)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        text = "validations or auditAnnotations must contain at least one item"
        yield fields.required("spec.validations", text)
        yield fields.required("spec.auditAnnotations", text)
    for i, rule in enumerate(spec.get("validations") or ()):
        yield from _rule(rule, f"spec.validations[{i}]")
    yield from _annotations(spec.get("auditAnnotations") or [])


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


VALIDATING_ADMISSION_POLICY = Kind(
    resource=VALIDATING_ADMISSION_POLICIES,
    categories=("api-extensions",),
    default=policyspec.default,
    prepare=policyspec.prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    columns=(Column("Validations", policyspec.counted("validations"), "integer"), policyspec.PARAM_KIND),
)
