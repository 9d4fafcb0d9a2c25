"""A policy's expressions over one request and one object of parameters.

Source: apiserver pkg/admission/plugin/policy/validating/validator.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from wherry.apiserver.admission.policies.policy import Policy
from wherry.objects import Object

_USED = re.compile(r"\bvariables\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")
LONGEST_MESSAGE = 5 << 10


class Broken(NamedTuple):
    """A rule that is not kept, or could not be evaluated (`is_error`); `reason` is a Status's."""

    message: str
    reason: str
    is_error: bool = False


class Evaluation:
    """The variables of a policy are made when an expression speaks of them, and once."""

    def __init__(self, policy: Policy, around: Mapping[str, Any]):
        self._policy = policy
        self._around = {**around, "variables": {}}
        self._expressions = {v["name"]: v["expression"] for v in policy.variables}
        self._failed: dict[str, str] = {}

    def broken(self) -> Iterator[Broken]:
        """Yield the rules that are not kept."""
        from wherry.cel.errors import CelError

        for rule in self._policy.validations:
            text, reason = rule["expression"], rule.get("reason") or "Invalid"
            try:
                if self._value(text) is not True:
                    yield Broken(self._message(rule), reason)
            except CelError as error:
                yield Broken(f"expression '{text}' resulted in error: {error}", reason, is_error=True)

    def annotations(self) -> Iterator[tuple[str, str]]:
        """Yield the policy's audit annotations: (key, text). One that fails says so."""
        from wherry.cel.errors import CelError

        for entry in self._policy.annotations:
            try:
                value = self._value(entry["valueExpression"])
            except CelError as error:
                value = f"expression '{entry['valueExpression']}' resulted in error: {error}"
            if isinstance(value, str) and value:
                yield f"{self._policy.name}/{entry['key']}", value

    def _message(self, rule: Object) -> str:
        """Return what is said of a broken rule: its messageExpression's, its message, or what it was."""
        from wherry.cel.errors import CelError

        if text := rule.get("messageExpression"):
            try:
                said = self._value(text)
            except CelError:
                said = ""
            if isinstance(said, str) and said.strip() and "\n" not in said and len(said) <= LONGEST_MESSAGE:
                return said.strip()
        return rule.get("message") or f"failed expression: {rule['expression'].strip()}"

    def _value(self, text: str) -> Any:
        from wherry.cel import typeless
        from wherry.cel.errors import Unevaluable

        self._prepare(text)
        try:
            return typeless.compiled(text, tuple(self._around)).evaluate(self._around)
        except Unevaluable as error:
            name = str(error).removeprefix("no such key: ")
            if (why := self._failed.get(name)) is None:
                raise
            raise Unevaluable(f"composited variable {name!r} fails to evaluate: {why}") from error

    def _prepare(self, text: str) -> None:
        """Make the variables an expression speaks of. One that cannot be made is only missed where it is asked for."""
        from wherry.cel.errors import CelError

        made = self._around["variables"]
        for name in _USED.findall(text):
            if name in self._expressions and name not in made and name not in self._failed:
                try:
                    made[name] = self._value(self._expressions[name])
                except CelError as error:
                    self._failed[name] = str(error)
