"""ValidatingAdmissionPolicyBinding (admissionregistration.k8s.io/v1): puts a policy in force.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateValidatingAdmissionPolicyBinding).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.admissionregistration import matchresources
from wherry.apiserver.kinds.common import cells, checks, labelselector
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import VALIDATING_ADMISSION_POLICY_BINDINGS

ACTIONS = ("Audit", "Deny", "Warn")
NOT_FOUND = ("Allow", "Deny")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    if spec.get("matchResources") is not None:
        matchresources.default(spec["matchResources"])


def _validate(obj: Object) -> list[FieldError]:
    return list(_errors(obj.get("spec") or {}))


def _errors(spec: Object) -> Iterator[FieldError]:
    yield from checks.required_name("spec.policyName", spec.get("policyName"), names.dns_subdomain)
    if (reference := spec.get("paramRef")) is not None:
        yield from _reference(reference)
    if (match := spec.get("matchResources")) is not None:
        yield from matchresources.errors(match, "spec.matchResources")
    yield from _actions(spec.get("validationActions") or [])


def _reference(reference: Object) -> Iterator[FieldError]:
    path, name, selector = "spec.paramRef", reference.get("name"), reference.get("selector")
    if name:
        yield from (fields.invalid(f"{path}.name", name, text) for text in names.path_segment(name))
        if selector is not None:
            yield fields.forbidden(f"{path}.name", "name and selector are mutually exclusive")
    elif selector is None:
        yield fields.required(path, "one of name or selector must be specified")
    else:
        yield from labelselector.validate(f"{path}.selector", selector)
    action = reference.get("parameterNotFoundAction")
    if action is None:
        yield fields.required(f"{path}.parameterNotFoundAction")
    elif action not in NOT_FOUND:
        yield fields.not_supported(f"{path}.parameterNotFoundAction", action, NOT_FOUND)


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


def _reference_name(obj: Object) -> str:
    reference = (obj.get("spec") or {}).get("paramRef")
    return (reference.get("name") or "*") if reference else "<unset>"


VALIDATING_ADMISSION_POLICY_BINDING = Kind(
    resource=VALIDATING_ADMISSION_POLICY_BINDINGS,
    categories=("api-extensions",),
    default=_default,
    validate=_validate,
    generation=True,
    columns=(
        Column("PolicyName", lambda obj: cells.text(obj, "spec", "policyName")),
        Column("ParamRef", _reference_name),
    ),
)
