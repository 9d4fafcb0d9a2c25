"""The policies in force, read anew when a policy or a binding changes: one that nobody binds costs nothing."""

from __future__ import annotations

from wherry.apiserver.admission.policies import policy
from wherry.apiserver.admission.policies.policy import Policy
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata
from wherry.objects.resource import Resource


class Index:
    """The bound policies of one kind, by name."""

    def __init__(self, state: State, policies: Resource, bindings: Resource):
        self._state = state
        self._resources = policies, bindings
        self._version = (0, 0)
        self._policies: list[Policy] = []

    def bound(self) -> list[Policy]:
        """Return the policies that have a binding, in the order of their names."""
        policies, bindings = (self._state.find(resource) for resource in self._resources)
        if policies is None or bindings is None or not len(policies) or not len(bindings):
            return []
        version = policies.revision, bindings.revision
        if version != self._version:
            self._version = version
            by_policy: dict[str, list[Object]] = {}
            for binding in sorted(bindings.items(), key=metadata.key):
                by_policy.setdefault((binding.get("spec") or {}).get("policyName", ""), []).append(binding)
            ordered = sorted(policies.items(), key=metadata.key)
            named = ((p, by_policy.get(p["metadata"]["name"])) for p in ordered)
            self._policies = [policy.read(p, found) for p, found in named if found]
        return self._policies
