"""Where policies have their say, after everybody who changes an object, and before validating webhooks.

Source: apiserver pkg/admission/plugin/policy/validating/dispatcher.go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from wherry.apiserver.admission import conditions, selecting
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.policies.evaluation import Broken, Evaluation
from wherry.apiserver.admission.policies.index import Index
from wherry.apiserver.admission.policies.params import Params, Unavailable
from wherry.apiserver.admission.policies.policy import Binding, Match, Policy
from wherry.apiserver.admission.rules import About
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.state.state import State
from wherry.objects.errors import ApiError, Forbidden
from wherry.objects.resource import Resource
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

EXEMPT = "admissionregistration.k8s.io"
"""The group of what no policy is about: else a broken one could not be removed."""
CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
UNPROCESSABLE = 422
_checks = metrics.counter(
    "apiserver_validating_admission_policy_check_total",
    "Requests a policy was evaluated for, by what followed.",
    ("policy", "policy_binding", "enforcement_action", "error_type"),
)


class AdmissionPolicies:
    """Holds what is written to the policies in `state`."""

    def __init__(self, state: State, catalog: Catalog):
        self._state = state
        self._catalog = catalog
        self._index = Index(state)
        self._params = Params(catalog, state)

    def wanted(self, about: About) -> list[Policy]:
        """Return the policies that may be about a request."""
        if about.resource.group == EXEMPT:
            return []
        found = self._index.bound()
        equivalents = self._equivalents(about) if found else ()
        return [p for p in found if _anyhow(p.match, about, equivalents)]

    def validate(self, policies: list[Policy], about: About, asked: Asked, subject: Subject) -> None:
        """Evaluate `policies`; raises the refusal of the first whose rules are broken and whose binding denies."""
        for policy in policies:
            resource = self._meant(policy.match, about, asked, subject)
            if resource is None:
                continue
            for binding in policy.bindings:
                if self._meant(binding.match, about, asked, subject) is not None:
                    self._apply(policy, binding, resource, asked, subject)

    def _meant(self, match: Match, about: About, asked: Asked, subject: Subject) -> Resource | None:
        resource = match.resource(about, asked.name, self._equivalents(about))
        return resource if resource and selecting.selects(match, asked, subject, self._state) else None

    def _equivalents(self, about: About) -> tuple[Resource, ...]:
        kind = self._catalog.kind(about.resource.group, about.resource.plural)
        return tuple(kind.resources) if kind else ()

    def _apply(self, policy: Policy, binding: Binding, resource: Resource, asked: Asked, subject: Subject) -> None:
        for broken in self._broken(policy, binding, resource, asked, subject):
            if broken.is_error and policy.open:
                continue
            actions = ("Deny",) if broken.is_error and "Deny" in binding.actions else binding.actions
            for action in actions:
                error = "runtime_error" if broken.is_error else "no_error"
                _checks.labels(policy.name, binding.name, action.lower(), error).inc()
                self._act(action, policy, binding, broken, asked)

    def _broken(
        self, policy: Policy, binding: Binding, resource: Resource, asked: Asked, subject: Subject
    ) -> Iterator[Broken]:
        try:
            every = self._params.of(policy.params, binding.params, asked.namespace)
        except Unavailable as error:
            yield Broken(f"failed to configure binding: {error}", "Invalid", is_error=True)
            return
        around = self._around(asked, subject, resource)
        for params in every:
            yield from _evaluated(policy, {**around, "params": params}, asked)

    def _around(self, asked: Asked, subject: Subject, resource: Resource) -> dict[str, Any]:
        namespaced = asked.namespace and not asked.about_namespace
        seen = selecting.namespace(asked, self._state) if namespaced else None
        return {**conditions.variables(asked, subject, resource), "namespaceObject": seen}

    @staticmethod
    def _act(action: str, policy: Policy, binding: Binding, broken: Broken, asked: Asked) -> None:
        who = f"ValidatingAdmissionPolicy '{policy.name}' with binding '{binding.name}'"
        if action == "Deny":
            raise _refusal(f"{who} denied request: {broken.message}", broken, asked)
        if action == "Warn":
            asked.warn(f"Validation failed for {who}: {broken.message}")
        if action == "Audit":
            log.info("audit %s: %s; %s %s", who, broken.message, asked.operation, asked.resource.group_resource)


def _evaluated(policy: Policy, seen: dict[str, Any], asked: Asked) -> Iterator[Broken]:
    met = conditions.met(policy.conditions, lambda: seen)
    if met.error:
        yield Broken(met.error, "Invalid", is_error=True)
    if not met.met:
        return
    evaluation = Evaluation(policy, seen)
    yield from evaluation.broken()
    for key, value in evaluation.annotations():
        log.info("audit %s=%r %s %s", key, value, asked.operation, asked.resource.group_resource)


def _anyhow(match: Match, about: About, equivalents: tuple[Resource, ...]) -> bool:
    """Tell whether a match is about a request, whatever the object is called."""
    names = {name for rule in match.rules for name in rule.get("resourceNames") or ()}
    return any(match.resource(about, name, equivalents) for name in (*names, ""))


def _refusal(message: str, broken: Broken, asked: Asked) -> ApiError:
    error = Forbidden.of(asked.resource.plural, asked.name, message, asked.resource.group)
    details = {**(error.details or {}), "causes": [{"message": message}]}
    code = CODES.get(broken.reason, UNPROCESSABLE)
    return ApiError(error.message, code=code, reason=broken.reason, details=details)
