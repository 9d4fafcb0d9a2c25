"""The rules of a ValidatingAdmissionPolicy that a request does not keep, and what is to be told of one.

Source: apiserver pkg/admission/plugin/policy/validating/validator.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wherry.apiserver.admission.policies.evaluation import Evaluation
from wherry.objects import Object

LONGEST_MESSAGE = 5 << 10


class Broken(NamedTuple):
    """A rule that is not kept, or could not be evaluated (`is_error`); `reason` is a Status's."""

    message: str
    reason: str
    is_error: bool = False


def rules_broken(evaluation: Evaluation) -> Iterator[Broken]:
    """Yield the rules that are not kept."""
    from wherry.cel.errors import CelError

    for rule in evaluation.policy.validations:
        text, reason = rule["expression"], rule.get("reason") or "Invalid"
        try:
            if evaluation.value(text) is not True:
                yield Broken(_message(evaluation, rule), reason)
        except CelError as error:
            yield Broken(f"expression '{text}' resulted in error: {error}", reason, is_error=True)


def audited(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield the policy's audit annotations: (key, text). One that fails says so."""
    from wherry.cel.errors import CelError

    for entry in evaluation.policy.annotations:
        try:
            value = evaluation.value(entry["valueExpression"])
        except CelError as error:
            value = f"expression '{entry['valueExpression']}' resulted in error: {error}"
        if isinstance(value, str) and value:
            yield f"{evaluation.policy.name}/{entry['key']}", value


def _message(evaluation: Evaluation, rule: Object) -> str:
    """Return what is said of a broken rule: its messageExpression's, its message, or what it was."""
    from wherry.cel.errors import CelError

    if text := rule.get("messageExpression"):
        try:
            said = evaluation.value(text)
        except CelError:
            said = ""
        if isinstance(said, str) and said.strip() and "\n" not in said and len(said) <= LONGEST_MESSAGE:
            return said.strip()
    return rule.get("message") or f"failed expression: {rule['expression'].strip()}"
