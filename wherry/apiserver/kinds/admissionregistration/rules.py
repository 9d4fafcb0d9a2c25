"""What a webhook is called for: groups, versions, resources, operations, scope.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateRuleWithOperations).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")


def errors(rule: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with one of a webhook's `rules`."""
    operations = rule.get("operations") or []
    yield from _listed(operations, f"{path}.operations", "operations")
    for i, operation in enumerate(operations):
        if operation not in OPERATIONS:
            yield fields.not_supported(f"{path}.operations[{i}]", operation, OPERATIONS)
    yield from _listed(rule.get("apiGroups") or [], f"{path}.apiGroups", "API groups")
    versions = rule.get("apiVersions") or []
    yield from _listed(versions, f"{path}.apiVersions", "API versions")
    yield from (fields.required(f"{path}.apiVersions[{i}]") for i, version in enumerate(versions) if not version)
    yield from _resources(rule.get("resources") or [], f"{path}.resources")
    scope = rule.get("scope")
    if scope is not None and scope not in SCOPES:
        yield fields.not_supported(f"{path}.scope", scope, SCOPES)


def _listed(values: Sequence[str], path: str, what: str) -> Iterator[FieldError]:
    """Check a list that must have something, and `*` alone."""
    if not values:
        yield fields.required(path)
    elif len(values) > 1 and "*" in values:
        yield fields.invalid(path, list(values), f"if '*' is present, must not specify other {what}")


def _resources(resources: Sequence[str], path: str) -> Iterator[FieldError]:
    if not resources:
        yield fields.required(path)
    whole: set[str] = set()
    anywhere: set[str] = set()
    for i, text in enumerate(resources):
        plural, slash, part = text.partition("/")
        if not text:
            yield fields.required(f"{path}[{i}]")
        if not slash:
            continue
        if plural in whole:
            yield fields.invalid(f"{path}[{i}]", text, f"if '{plural}/*' is present, must not specify {text}")
        if part in anywhere:
            yield fields.invalid(f"{path}[{i}]", text, f"if '*/{part}' is present, must not specify {text}")
        if part == "*":
            whole.add(plural)
        if plural == "*":
            anywhere.add(part)
    if len(resources) > 1 and "*/*" in resources:
        yield fields.invalid(path, list(resources), "if '*/*' is present, must not specify other resources")
    if "*" in resources and any(text and text != "*" and "/" not in text for text in resources):
        text = "if '*' is present, must not specify other resources without subresources"
        yield fields.invalid(path, list(resources), text)
