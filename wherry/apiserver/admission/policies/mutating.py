"""MutatingAdmissionPolicies: before mutating webhooks, one after the other; each sees what the one before has made.

Those that want to (`reinvocationPolicy: IfNeeded`) have another turn, once, where somebody changed the object after
them: a later policy, this server's own admission, a webhook.
Source: apiserver pkg/admission/plugin/policy/mutating (dispatcher.go, reinvocationcontext.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wherry.apiserver.admission import conditions
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.policies.evaluation import Evaluation
from wherry.apiserver.admission.policies.matching import Matching, Meant
from wherry.apiserver.admission.policies.mutation import Impossible, mutated
from wherry.apiserver.admission.policies.params import Unavailable
from wherry.apiserver.admission.policies.policy import Policy
from wherry.apiserver.admission.rules import About
from wherry.apiserver.catalog import Catalog
from wherry.objects import Object, definitions, metadata
from wherry.objects.apply import shapes
from wherry.objects.apply.shape import Shape
from wherry.objects.errors import ApiError, Forbidden, details
from wherry.objects.metadata import copy
from wherry.objects.resource import Resource
from wherry.telemetry import metrics

_checks = metrics.counter(
    "apiserver_mutating_admission_policy_check_total",
    "Requests a policy was evaluated for.",
    ("policy", "policy_binding", "error_type"),
)


Key = tuple[str, str, tuple[str, str] | None]


class Turn(NamedTuple):
    """What a policy does once in a round: with one binding, and one object of parameters."""

    meant: Meant
    params: Object | None

    @property
    def key(self) -> Key:
        """What it is known by in the next round."""
        return self.meant.policy.name, self.meant.binding.name, metadata.key(self.params) if self.params else None


class Mutating:
    """Has the policies of `matching` change what is written."""

    def __init__(self, matching: Matching, catalog: Catalog):
        self._matching = matching
        self._catalog = catalog

    def rounds(self, policies: list[Policy], about: About, asked: Asked, subject: Subject) -> Rounds:
        """Return the rounds of `policies` over one request."""
        return Rounds(self, policies, about, asked, subject)

    def turns(self, policies: list[Policy], about: About, asked: Asked, subject: Subject) -> Iterator[Turn]:
        """Yield the turns of a round; raises the refusal of a policy whose parameters are not there."""
        for meant in self._matching.meant(policies, about, asked, subject):
            try:
                every = self._matching.params(meant, asked.namespace)
            except Unavailable as error:
                self._failed(meant, f"failed to configure binding: {error}", asked)
                continue
            yield from (Turn(meant, params) for params in every)

    def take(self, turn: Turn, asked: Asked, subject: Subject) -> bool:
        """Let a policy change `subject`; return whether it did. Raises its refusal."""
        from wherry.cel.errors import CelError
        from wherry.cel.literals import as_maps

        meant, changed = turn.meant, False
        around = {**self._matching.around(asked, subject, meant.resource), "params": turn.params}
        met = conditions.met(meant.policy.conditions, lambda: around)
        if met.error:
            self._failed(meant, met.error, asked)
        if not met.met:
            return False
        for mutation in meant.policy.mutations:
            seen = subject.new(meant.resource)
            if seen is None:
                return False
            evaluation = Evaluation(meant.policy, {**around, "object": seen}, as_maps)
            try:
                made = mutated(evaluation, mutation, seen, self._shape(subject, meant.resource))
                changed |= subject.take(meant.resource, made)
                _checks.labels(meant.policy.name, meant.binding.name, "no_error").inc()
            except (CelError, Impossible) as error:
                self._failed(meant, str(error), asked)
            except ApiError as error:  # what it has made is no object of the kind
                self._failed(meant, error.message, asked)
        return changed

    def _shape(self, subject: Subject, resource: Resource) -> Shape:
        kind = subject.kind(resource)
        if kind == resource:
            return shapes.of(self._catalog.of(resource).type)
        return shapes.of(definitions.of_kind((kind.group, kind.version, kind.kind)))

    @staticmethod
    def _failed(meant: Meant, why: str, asked: Asked) -> None:
        """Refuse a request that a policy was not able to change, where the policy is not one to be passed by."""
        _checks.labels(meant.policy.name, meant.binding.name, "runtime_error").inc()
        if meant.policy.open:
            return
        message = f"policy '{meant.policy.name}' with binding '{meant.binding.name}' denied request: {why}"
        about = asked.resource.plural, asked.name, asked.resource.group
        raise ApiError(
            message, code=Forbidden.code, reason="Invalid", details=details(*about, causes=[{"message": message}])
        )


class Rounds:
    """The turns of `policies` over one request: all of them first, then once more those that want to."""

    def __init__(self, mutating: Mutating, policies: list[Policy], about: About, asked: Asked, subject: Subject):
        self._mutating = mutating
        self._policies = policies
        self._about = about
        self._asked = asked
        self._subject = subject
        self._willing: set[Key] = set()
        self._due: set[Key] = set()
        self._left: Object | None = None
        """What the object was after the first round, where anybody wants to know."""

    def first(self) -> bool:
        """Let each policy change the subject; return whether one did. Raises their refusals."""
        changed = False
        for turn in self._turns():
            if self._take(turn):
                changed = True
                self._due |= self._willing
                self._willing = set()
            if turn.meant.policy.again:
                self._willing.add(turn.key)
        if self._willing:
            self._left = copy(self._seen())
        return changed

    def again(self) -> bool:
        """Let those that are due have another turn; return whether one changed the subject. Raises their refusals."""
        if self._willing and self._seen() != self._left:
            self._due |= self._willing
        changed = False
        for turn in self._turns() if self._due else ():
            if turn.key in self._due:
                changed |= self._take(turn)
        return changed

    def _turns(self) -> Iterator[Turn]:
        return self._mutating.turns(self._policies, self._about, self._asked, self._subject)

    def _take(self, turn: Turn) -> bool:
        return self._mutating.take(turn, self._asked, self._subject)

    def _seen(self) -> Object | None:
        return self._subject.new(self._asked.resource)
