"""ValidatingAdmissionPolicyBinding (admissionregistration.k8s.io/v1): puts a policy in force.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicyBinding).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.admissionregistration import bindingspec
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import VALIDATING_ADMISSION_POLICY_BINDINGS

ACTIONS = ("Audit", "Deny", "Warn")


def _validate(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    return [*bindingspec.errors(spec), *_actions(spec.get("validationActions") or [])]


def _actions(actions: list[str]) -> Iterator[FieldError]:
    path = "spec.validationActions"
    for i, action in enumerate(actions):
        if action not in ACTIONS:
            yield fields.not_supported(f"{path}[{i}]", action, ACTIONS)
        if action in actions[:i]:
            yield fields.duplicate(f"{path}[{i}]", action)
    if {"Deny", "Warn"} <= set(actions):
        why = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        why += "response and headers serves no purpose)"
        yield fields.invalid(path, actions, why)
    if not actions:
        yield fields.required(path, "at least one validation action is required")


VALIDATING_ADMISSION_POLICY_BINDING = Kind(
    resource=VALIDATING_ADMISSION_POLICY_BINDINGS,
    categories=("api-extensions",),
    default=bindingspec.default,
    validate=_validate,
    generation=True,
    columns=bindingspec.COLUMNS,
)
