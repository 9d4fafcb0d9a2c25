"""The webhooks for a resource, found by one look: what no webhook is about costs nothing more.

What is found is kept until a configuration or the set of kinds changes. So a configuration counts from the moment its
write is answered.
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.apiserver.admission.rules import About
from wherry.apiserver.admission.webhooks import hook
from wherry.apiserver.admission.webhooks.hook import Hook
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.state.state import State
from wherry.objects import metadata
from wherry.objects.resource import Resource

EXEMPT = frozenset(
    ("admissionregistration.k8s.io", plural)
    for plural in (
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    )
)
"""(group, plural) of what no webhook is asked about: else a broken one could not be removed.

Source: apiserver pkg/admission/plugin/webhook/predicates/rules (IsExemptAdmissionConfigurationResource).
"""


class Called(NamedTuple):
    """A webhook that is called for a request, and the resource as which it sees it."""

    hook: Hook
    resource: Resource


class Index:
    """The webhooks in the configurations of one kind."""

    def __init__(self, state: State, catalog: Catalog, configurations: Resource, *, mutating: bool):
        self._state = state
        self._catalog = catalog
        self._configurations = configurations
        self._mutating = mutating
        self._version = (0, 0)
        self._hooks: list[Hook] = []
        self._found: dict[About, tuple[Called, ...]] = {}

    def called(self, about: About) -> tuple[Called, ...]:
        """Return the webhooks whose rules are about a request, in the order of their configurations' names."""
        collection = self._state.find(self._configurations)
        if collection is None or not len(collection):
            return ()
        version = collection.revision, self._catalog.generation
        if version != self._version:
            self._version = version
            ordered = sorted(collection.items(), key=metadata.key)
            self._hooks = [h for found in ordered for h in hook.read(found, mutating=self._mutating)]
            self._found = {}
        if about not in self._found:
            self._found[about] = self._look(about)
        return self._found[about]

    def _look(self, about: About) -> tuple[Called, ...]:
        resource = about.resource
        if (resource.group, resource.plural) in EXEMPT:
            return ()
        kind = self._catalog.kind(resource.group, resource.plural)
        equivalents = kind.resources if kind else ()
        found = ((h, h.resource(about, equivalents)) for h in self._hooks)
        return tuple(Called(h, as_) for h, as_ in found if as_ is not None)
