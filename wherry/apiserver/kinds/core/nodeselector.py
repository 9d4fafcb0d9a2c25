"""Which nodes are meant: a `core/v1.NodeSelector`, of a pod's affinity or of a volume.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateNodeSelector).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import checks, labelselector
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError


def validate(path: str, selector: Object) -> list[FieldError]:
    """Check a selector at `path`: at least one term, each of them well formed."""
    here, terms = f"{path}.nodeSelectorTerms", selector.get("nodeSelectorTerms") or ()
    errors = [] if terms else [fields.required(here, "must have at least one node selector term")]
    for i, term in enumerate(terms):
        errors += validate_term(f"{here}[{i}]", term)
    return errors


def validate_term(path: str, term: Object) -> list[FieldError]:
    """Check one term, which stands alone in a preference."""
    errors = []
    for i, requirement in enumerate(term.get("matchExpressions") or ()):
        errors += labelselector.validate_expression(f"{path}.matchExpressions[{i}]", requirement, numbers=True)
    for i, requirement in enumerate(term.get("matchFields") or ()):
        errors += _field_requirement(f"{path}.matchFields[{i}]", requirement)
    return errors


def _field_requirement(path: str, requirement: Object) -> list[FieldError]:
    values, operator = requirement.get("values") or [], requirement.get("operator") or ""
    errors = []
    if operator not in ("In", "NotIn"):
        errors.append(fields.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(fields.required(f"{path}.values", text))
    if (key := requirement.get("key") or "") != "metadata.name":
        return [*errors, fields.invalid(f"{path}.key", key, "not a valid field selector key")]
    for i, value in enumerate(values):
        errors += checks.named(f"{path}.values[{i}]", value, names.dns_subdomain)
    return errors
