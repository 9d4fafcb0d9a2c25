"""What expressions are compiled in: the functions there are, for checking types and for evaluating.

They differ. Types are checked with every overload. While it evaluates, cel-cpp tells overloads apart by kinds of values
and not by types of messages, so there all opaque values are of one type, and each function says what it cannot take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings

from wherry.cel import opaque
from wherry.cel.functions import FUNCTIONS
from wherry.cel.functions.function import Function

_NAMED = {"map(string, list(string))": cel.Type.Map(cel.Type.STRING, cel.Type.List(cel.Type.STRING))}


def type_of(name: str) -> Any:
    """Return cel-cpp's type of a name such as `string`, `list(dyn)`, `Quantity`."""
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith("list("):
        return cel.Type.List(type_of(name[5:-1]))
    return getattr(cel.Type, name.upper(), None) if name.islower() else cel.Type(f"kubernetes.{name}")


def list_of(kind: Any) -> Any:
    """Return the type of lists of a type."""
    return cel.Type.List(kind)


def checking(variables: Mapping[str, Any], pool: Any) -> Any:
    """Return an environment that checks types; `pool` has the types of the variables that are messages."""
    return _environment(variables, pool, tuple(_checked()))


@lru_cache(maxsize=32)
def evaluating(names: tuple[str, ...]) -> Any:
    """Return the environment that evaluates expressions over the variables of these names."""
    variables = dict.fromkeys(names, cel.Type.DYN)
    return _environment(variables, opaque.common_pool(), _evaluated())


def _environment(variables: Mapping[str, Any], pool: Any, functions: Any) -> Any:
    extensions = [ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_bindings.ExtBindings()]
    return cel.NewEnv(descriptor_pool=pool, variables=dict(variables), functions=functions, extensions=extensions)


def _checked() -> Iterator[Any]:
    for name in dict.fromkeys(f.name for f in FUNCTIONS):
        overloads = [
            _overload(f, i, [type_of(p) for p in f.parameters], type_of(f.result))
            for i, f in enumerate(FUNCTIONS)
            if f.name == name
        ]
        yield cel.FunctionDecl(name, overloads)


@cache
def _evaluated() -> Any:
    found: dict[str, dict[Any, Any]] = {}
    for i, f in enumerate(FUNCTIONS):
        kinds = [opaque.QUANTITY if p[0].isupper() else p for p in f.parameters]
        overload = _overload(f, i, [type_of(kind) for kind in kinds], cel.Type.DYN)
        found.setdefault(f.name, {}).setdefault((*kinds, f.is_member), overload)
    return [cel.FunctionDecl(name, list(overloads.values())) for name, overloads in found.items()]


def _overload(function: Function, number: int, parameters: list[Any], result: Any) -> Any:
    return cel.Overload(
        f"{function.name}_{number}",
        return_type=result,
        parameters=parameters,
        is_member=function.is_member,
        impl=_careful(function.call),
    )


def _careful(call: Any) -> Any:
    """Return a function for cel-cpp: what is of the wrong kind is an error of the expression."""

    def careful(*arguments: Any) -> Any:
        try:
            return opaque.given(call(*arguments))
        except (TypeError, AttributeError):
            raise ValueError("no such overload") from None

    return careful
