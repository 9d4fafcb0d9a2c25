"""What bindings of both kinds of policies have in common: which policy, with which parameters, for which requests.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateParamRef and its callers);
pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column
from wherry.apiserver.kinds.admissionregistration import matchresources
from wherry.apiserver.kinds.common import cells, checks, labelselector
from wherry.objects import Object, fields, names, selectors
from wherry.objects.errors import FieldError

NOT_FOUND = ("Allow", "Deny")


def default(obj: Object) -> None:
    """Fill in what is left out, in place."""
    spec = obj.setdefault("spec", {})
    if spec.get("matchResources") is not None:
        matchresources.default(spec["matchResources"])


def errors(spec: Object) -> Iterator[FieldError]:
    """Yield what is wrong with it."""
    yield from checks.required_name("spec.policyName", spec.get("policyName"), names.dns_subdomain)
    if (reference := spec.get("paramRef")) is not None:
        yield from _reference(reference)
    if (match := spec.get("matchResources")) is not None:
        yield from matchresources.errors(match, "spec.matchResources")


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


def _param_ref(obj: Object) -> str:
    reference = (obj.get("spec") or {}).get("paramRef")
    if not reference:
        return "<unset>"
    if name := reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{name}"
    return str(selectors.stored(reference.get("selector") or {}))


COLUMNS = (
    Column("PolicyName", lambda obj: cells.text(obj, "spec", "policyName")),
    Column("ParamRef", _param_ref),
)
