"""Whether the rules of a webhook or a policy are about a request.

Source: apiserver pkg/admission/plugin/webhook/predicates/rules/rules.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wherry.apiserver.access.rules import lists
from wherry.objects import Object
from wherry.objects.resource import Resource


class About(NamedTuple):
    """What rules look at: a request for `resource`, or for one that is the same in another version."""

    resource: Resource
    subresource: str
    operation: str
    namespaced: bool


def any_matches(rules: Sequence[Object], about: About) -> bool:
    """Return whether one of `rules` is about a request."""
    return any(matches(rule, about) for rule in rules)


def matches(rule: Object, about: About) -> bool:
    """Return whether a rule is about a request; one that lists nothing, which only a store can hold, is about none."""
    resource = about.resource
    return (
        _scope(rule.get("scope") or "*", about.namespaced)
        and lists(rule.get("operations"), about.operation)
        and lists(rule.get("apiGroups"), resource.group)
        and lists(rule.get("apiVersions"), resource.version)
        and any(_resource(text, resource.plural, about.subresource) for text in rule.get("resources") or ())
    )


def _scope(scope: str, namespaced: bool) -> bool:
    return scope == "*" or (scope == "Namespaced") is namespaced


def _resource(text: str, plural: str, subresource: str) -> bool:
    """Tell whether `pods`, `pods/status`, `pods/*`, `*/scale`, `*` or `*/*` names a resource or its subresource."""
    named, _, part = text.partition("/")
    return named in ("*", plural) and part in ("*", subresource)
