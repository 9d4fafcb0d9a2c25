"""ValidatingAdmissionPolicies: after everybody who changes an object, and before validating webhooks.

Source: apiserver pkg/admission/plugin/policy/validating/dispatcher.go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from wherry.apiserver.admission import conditions
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.policies.broken import Broken, audited, rules_broken
from wherry.apiserver.admission.policies.evaluation import Evaluation
from wherry.apiserver.admission.policies.matching import Matching, Meant
from wherry.apiserver.admission.policies.params import Unavailable
from wherry.apiserver.admission.policies.policy import Policy
from wherry.apiserver.admission.rules import About
from wherry.objects.errors import ApiError, Forbidden, details
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
UNPROCESSABLE = 422
_checks = metrics.counter(
    "apiserver_validating_admission_policy_check_total",
    "Requests a policy was evaluated for, by what followed.",
    ("policy", "policy_binding", "enforcement_action", "error_type"),
)


class Validating:
    """Holds what is written to the policies of `matching`."""

    def __init__(self, matching: Matching):
        self._matching = matching

    def run(self, policies: list[Policy], about: About, asked: Asked, subject: Subject) -> None:
        """Evaluate `policies`; raises the refusal of the first whose rules are broken and whose binding denies."""
        for meant in self._matching.meant(policies, about, asked, subject):
            for found in self._broken(meant, asked, subject):
                if not (found.is_error and meant.policy.open):
                    self._follow(meant, found, asked)

    @staticmethod
    def _follow(meant: Meant, found: Broken, asked: Asked) -> None:
        binding = meant.binding
        actions = ("Deny",) if found.is_error and "Deny" in binding.actions else binding.actions
        for action in actions:
            error = "runtime_error" if found.is_error else "no_error"
            _checks.labels(meant.policy.name, binding.name, action.lower(), error).inc()
            _act(action, meant, found, asked)

    def _broken(self, meant: Meant, asked: Asked, subject: Subject) -> Iterator[Broken]:
        try:
            every = self._matching.params(meant, asked.namespace)
        except Unavailable as error:
            yield Broken(f"failed to configure binding: {error}", "Invalid", is_error=True)
            return
        around = self._matching.around(asked, subject, meant.resource)
        for params in every:
            yield from _evaluated(meant.policy, {**around, "params": params}, asked)


def _act(action: str, meant: Meant, found: Broken, asked: Asked) -> None:
    who = f"ValidatingAdmissionPolicy '{meant.policy.name}' with binding '{meant.binding.name}'"
    if action == "Deny":
        raise _refusal(f"{who} denied request: {found.message}", found, asked)
    if action == "Warn":
        asked.warn(f"Validation failed for {who}: {found.message}")
    if action == "Audit":
        log.info("audit %s: %s; %s %s", who, found.message, asked.operation, asked.resource.group_resource)


def _evaluated(policy: Policy, seen: dict[str, Any], asked: Asked) -> Iterator[Broken]:
    met = conditions.met(policy.conditions, lambda: seen)
    if met.error:
        yield Broken(met.error, "Invalid", is_error=True)
    if not met.met:
        return
    evaluation = Evaluation(policy, seen)
    yield from rules_broken(evaluation)
    for key, value in audited(evaluation):
        log.info("audit %s=%r %s %s", key, value, asked.operation, asked.resource.group_resource)


def _refusal(message: str, found: Broken, asked: Asked) -> ApiError:
    plural, name, group = asked.resource.plural, asked.name, asked.resource.group
    text = Forbidden.of(plural, name, message, group).message
    told = details(plural, name, group, causes=[{"message": message}])
    return ApiError(text, code=CODES.get(found.reason, UNPROCESSABLE), reason=found.reason, details=told)
