"""`Expression`: what was written, ready to be evaluated; and checking its types before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cel_expr_python import cel

from wherry.cel import environment, tree
from wherry.cel.asker import Asker
from wherry.cel.errors import TooCostly, Uncompilable, Unevaluable
from wherry.cel.functions import authorization

_STATUS = re.compile(r"^[A-Z_]+: (?P<text>.*?)(?: \[[A-Z_]+\])?$", re.DOTALL)
_MISSING = re.compile(r'^Key not found in map : "?(?P<key>.*?)"?$', re.DOTALL)
_MOST_ITERATIONS = "Iteration budget exceeded"


def check(text: str, env: Any, *, optional: tuple[str, ...] = (), checked: bool = True) -> Any:
    """Return `text` compiled by an environment, and `checked` for its types; raises `Uncompilable`.

    The `optional` variables are given as lists of one value or none, under the name of `listed`.
    """
    for name in optional:
        text = f"cel.bind({name}, {listed(name)}[?0], {text}\n)"
    try:
        return env.compile(text, disable_check=not checked)
    except RuntimeError as error:
        raise Uncompilable(_plain(str(error))) from error


def listed(name: str) -> str:
    """Return the name that an optional variable is given under, as a list."""
    return f"{name}_given"


class Expression:
    """An expression over variables; raises `Uncompilable`. For those that are `optional` see `check`.

    No evaluation takes more than 10,000 iterations, which is cel-cpp's bound.
    """

    def __init__(self, text: str, variables: tuple[str, ...], optional: tuple[str, ...] = ()):
        names = tuple(listed(name) if name in optional else name for name in variables)
        self._program = check(text, environment.evaluating(names), optional=optional, checked=False)

    def uses(self, name: str) -> bool:
        """Return whether a variable is used."""
        return tree.uses(self._program, name)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value, in plain Python; raises `Unevaluable`, `TooCostly`."""
        asker = variables.get("authorizer")
        if isinstance(asker, Asker):
            with authorization.deciding(asker) as authorizer:
                return self._evaluated({**variables, "authorizer": authorizer})
        return self._evaluated(dict(variables))

    def _evaluated(self, variables: dict[str, Any]) -> Any:
        try:
            value = self._program.eval(data=variables)
            plain = value.plain_value()
        except RuntimeError as error:
            raise _failure(str(error)) from error
        if value.type() == cel.Type.ERROR:
            raise _failure(str(plain))
        return plain


def _failure(text: str) -> TooCostly | Unevaluable:
    plain = _plain(text)
    if plain == _MOST_ITERATIONS:
        return TooCostly("operation cancelled: actual cost limit exceeded")
    if missing := _MISSING.match(plain):
        return Unevaluable(f"no such key: {missing['key']}")
    if plain.lower().startswith("no matching overloads found"):
        return Unevaluable("no such overload")
    return Unevaluable("division by zero" if plain == "divide by zero" else plain)


def _plain(text: str) -> str:
    """Return an error of cel-cpp without its codes."""
    match = _STATUS.match(text)
    return match["text"] if match else text
