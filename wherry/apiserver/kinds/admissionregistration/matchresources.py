"""A `MatchResources`: which requests a policy, or its binding, is about.

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateMatchResources).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kinds.admissionregistration import rules
from wherry.apiserver.kinds.common import labelselector
from wherry.apiserver.kinds.common.defaults import fill
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

POLICIES = ("Equivalent", "Exact")
LISTS = ("resourceRules", "excludeResourceRules")


def default(given: Object) -> None:
    """Fill in what is left out, in place."""
    fill(given, matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})
    for key in LISTS:
        for rule in given.get(key) or ():
            fill(rule, scope="*")


def errors(given: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with it."""
    if (policy := given.get("matchPolicy")) is not None and policy not in POLICIES:
        yield fields.not_supported(f"{path}.matchPolicy", policy, POLICIES)
    for key in ("namespaceSelector", "objectSelector"):
        yield from labelselector.validate(f"{path}.{key}", given.get(key))
    for key in LISTS:
        for i, rule in enumerate(given.get(key) or ()):
            yield from rules.errors(rule, f"{path}.{key}[{i}]")
            yield from _names(rule.get("resourceNames") or [], f"{path}.{key}[{i}].resourceNames")


def _names(listed: list[str], path: str) -> Iterator[FieldError]:
    for i, name in enumerate(listed):
        yield from (fields.invalid(f"{path}[{i}]", name, text) for text in names.path_segment(name))
        if name in listed[:i]:
            yield fields.duplicate(f"{path}[{i}]", name)
