"""Which policies of one kind are about a request, and what their expressions see of it.

Source: apiserver pkg/admission/plugin/policy/matching/matching.go, policy/generic/policy_dispatcher.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from wherry.apiserver.admission import conditions, selecting
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.policies.index import Index
from wherry.apiserver.admission.policies.params import Params
from wherry.apiserver.admission.policies.policy import Binding, Match, Policy
from wherry.apiserver.admission.rules import About
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.resource import Resource

EXEMPT = "admissionregistration.k8s.io"
"""The group of what no policy is about: else a broken one could not be removed."""


class Meant(NamedTuple):
    """A policy that a binding puts in force for a request, which is seen as one for `resource`."""

    policy: Policy
    binding: Binding
    resource: Resource


class Matching:
    """Finds the policies of `index` for requests."""

    def __init__(self, state: State, catalog: Catalog, index: Index):
        self._state = state
        self._catalog = catalog
        self._index = index
        self._params = Params(catalog, state)

    def wanted(self, about: About) -> list[Policy]:
        """Return the policies that may be about a request."""
        if about.resource.group == EXEMPT:
            return []
        found = self._index.bound()
        equivalents = self._equivalents(about) if found else ()
        return [p for p in found if _anyhow(p.match, about, equivalents)]

    def meant(self, policies: list[Policy], about: About, asked: Asked, subject: Subject) -> Iterator[Meant]:
        """Yield those of `policies` that are about a request, once with each of their bindings that is."""
        for policy in policies:
            resource = self._seen_as(policy.match, about, asked, subject)
            if resource is None:
                continue
            for binding in policy.bindings:
                if self._seen_as(binding.match, about, asked, subject) is not None:
                    yield Meant(policy, binding, resource)

    def params(self, meant: Meant, namespace: str) -> tuple[Object | None, ...]:
        """Return what a policy is evaluated with, once with each; raises `Unavailable`."""
        return self._params.of(meant.policy.params, meant.binding.params, namespace)

    def around(self, asked: Asked, subject: Subject, resource: Resource) -> dict[str, Any]:
        """Return what expressions see of a request, but for parameters."""
        namespaced = asked.namespace and not asked.about_namespace
        seen = selecting.namespace(asked, self._state) if namespaced else None
        return {**conditions.variables(asked, subject, resource), "namespaceObject": seen}

    def _seen_as(self, match: Match, about: About, asked: Asked, subject: Subject) -> Resource | None:
        resource = match.resource(about, asked.name, self._equivalents(about))
        return resource if resource and selecting.selects(match, asked, subject, self._state) else None

    def _equivalents(self, about: About) -> tuple[Resource, ...]:
        kind = self._catalog.kind(about.resource.group, about.resource.plural)
        return tuple(kind.resources) if kind else ()


def _anyhow(match: Match, about: About, equivalents: tuple[Resource, ...]) -> bool:
    """Tell whether a match is about a request, whatever the object is called."""
    names = {name for rule in match.rules for name in rule.get("resourceNames") or ()}
    return any(match.resource(about, name, equivalents) for name in (*names, ""))
