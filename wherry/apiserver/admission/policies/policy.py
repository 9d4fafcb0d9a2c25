"""A policy and its bindings, read from their objects. What one lacks is, as in Go, its type's zero value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.apiserver.admission import rules
from wherry.apiserver.admission.rules import About
from wherry.objects import Object, selectors
from wherry.objects.resource import Resource
from wherry.objects.selectors import LabelSelector

EVERYTHING: Object = {}


@dataclass(frozen=True, eq=False)
class Match:
    """A `MatchResources`: which requests are meant. Without rules, those of any resource."""

    rules: Sequence[Object]
    excluded: Sequence[Object]
    exact: bool
    namespaces: LabelSelector
    objects: LabelSelector

    def resource(self, about: About, name: str, equivalents: Sequence[Resource]) -> Resource | None:
        """Return as which resource a request is seen, None when it is not meant; see `Hook.resource`."""
        if _any(self.excluded, about, name):
            return None
        if not self.rules or _any(self.rules, about, name):
            return about.resource
        if self.exact:
            return None
        others = [resource for resource in equivalents if resource != about.resource]
        found = (r for rule in self.rules for r in others if _any([rule], about._replace(resource=r), name))
        return next(found, None)


def _any(listed: Sequence[Object], about: About, name: str) -> bool:
    return any(rules.matches(rule, about) and _is_named(rule.get("resourceNames"), name) for rule in listed)


def _is_named(names: Sequence[str] | None, name: str) -> bool:
    return not names or name in names


def match(given: Object | None) -> Match:
    """Read a `MatchResources`."""
    given = given or EVERYTHING
    return Match(
        rules=given.get("resourceRules") or (),
        excluded=given.get("excludeResourceRules") or (),
        exact=given.get("matchPolicy") == "Exact",
        namespaces=selectors.stored(given.get("namespaceSelector") or {}),
        objects=selectors.stored(given.get("objectSelector") or {}),
    )


@dataclass(frozen=True, eq=False)
class Binding:
    """What puts a policy in force: for which requests, with which parameters, and what follows from a broken rule."""

    name: str
    match: Match
    actions: Sequence[str]
    params: Object | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Policy:
    """A policy with its bindings. `open`: what cannot be evaluated is allowed.

    One that validates has `validations` and `annotations`; one that mutates `mutations`, and `again` says that it has
    another look where somebody changes an object after it.
    """

    name: str
    match: Match
    open: bool
    params: Object | None
    conditions: Sequence[Object]
    variables: Sequence[Object]
    validations: Sequence[Object]
    annotations: Sequence[Object]
    mutations: Sequence[Object]
    again: bool
    bindings: Sequence[Binding]


def read(policy: Object, bindings: Sequence[Object]) -> Policy:
    """Read a policy; `bindings` are those that name it."""
    spec = policy.get("spec") or {}
    return Policy(
        name=policy["metadata"]["name"],
        match=match(spec.get("matchConstraints")),
        open=spec.get("failurePolicy") == "Ignore",
        params=spec.get("paramKind"),
        conditions=spec.get("matchConditions") or (),
        variables=spec.get("variables") or (),
        validations=spec.get("validations") or (),
        annotations=spec.get("auditAnnotations") or (),
        mutations=spec.get("mutations") or (),
        again=spec.get("reinvocationPolicy") == "IfNeeded",
        bindings=[_binding(binding) for binding in bindings],
    )


def _binding(binding: Object) -> Binding:
    spec = binding.get("spec") or {}
    return Binding(
        name=binding["metadata"]["name"],
        match=match(spec.get("matchResources")),
        actions=spec.get("validationActions") or (),
        params=spec.get("paramRef"),
    )
