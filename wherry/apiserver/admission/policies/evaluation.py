"""A policy's expressions over one request and one object of parameters.

Source: apiserver pkg/admission/plugin/cel/composition.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from wherry.apiserver.admission.policies.policy import Policy

_USED = re.compile(r"\bvariables\s*\.\s*([A-Za-z_][A-Za-z0-9_]*)")


class Evaluation:
    """The variables of a policy are made when an expression speaks of them, and once.

    `written` says what an expression is as plain CEL.
    """

    def __init__(self, policy: Policy, around: Mapping[str, Any], written: Callable[[str], str] = str):
        self.policy = policy
        self._around = {**around, "variables": {}}
        self._expressions = {v["name"]: v["expression"] for v in policy.variables}
        self._failed: dict[str, str] = {}
        self._written = written

    def value(self, text: str) -> Any:
        """Return what an expression says; raises `CelError`."""
        from wherry.cel import typeless
        from wherry.cel.errors import Unevaluable

        self._prepare(text)
        try:
            return typeless.compiled(self._written(text), tuple(self._around)).evaluate(self._around)
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
                    made[name] = self.value(self._expressions[name])
                except CelError as error:
                    self._failed[name] = str(error)
