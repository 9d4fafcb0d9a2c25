"""Expressions over variables of which nothing is known before: admission's."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from wherry.cel import environment, opaque
from wherry.cel.errors import Uncompilable
from wherry.cel.expression import Expression, check


@lru_cache(maxsize=32)
def _checking(variables: tuple[str, ...]) -> Any:
    return environment.checking(dict.fromkeys(variables, cel.Type.DYN), opaque.common_pool())


def problem(text: str, variables: tuple[str, ...], *wanted: str) -> str:
    """Return what is wrong with an expression, "" for nothing; `wanted` are the types it may have, such as `BOOL`."""
    try:
        found = check(text, _checking(variables)).return_type().name()
    except Uncompilable as error:
        return f"compilation failed: {error}"
    if wanted and found not in wanted:
        return f"must evaluate to {' or '.join(name.lower() for name in wanted)}"
    return ""


@lru_cache(maxsize=1024)
def compiled(text: str, variables: tuple[str, ...]) -> Expression:
    """Return an expression ready to be evaluated; raises `Uncompilable`."""
    return Expression(text, variables)
