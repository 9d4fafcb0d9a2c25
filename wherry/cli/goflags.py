"""Flags as Kubernetes' own components take them, so that manifests written for those start ours: for click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

Key = tuple[str, str]

_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")

WITHOUT_EFFECT = "wherry.without-effect"
"""Key in a context's `meta`: the names of flags that were given and have no effect."""


class ObjectKey(click.ParamType[Key | None]):
    """An object's `namespace/name`; empty is none."""

    name = "namespace/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Key | None:
        """Return (namespace, name)."""
        if isinstance(value, tuple) or not value:
            return value or None
        namespace, slash, name = value.partition("/")
        if not slash or not namespace or not name or "/" in name:
            self.fail(f"{value!r} is not namespace/name", param, ctx)
        return namespace, name


class GoBool(click.ParamType[bool]):
    """A boolean in the spellings of Go's `strconv.ParseBool`."""

    name = "true|false"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        """Return the truth value."""
        if isinstance(value, bool):
            return value
        if value not in _TRUE + _FALSE:
            self.fail(f"{value!r} is neither true nor false", param, ctx)
        return value in _TRUE


def go_bool(name: str, default: bool | None, help: str) -> Callable[[F], F]:
    """Declare a boolean flag: `--flag`, `--flag=true`, `--flag=false`."""
    return click.option(name, type=GoBool(), is_flag=False, flag_value="true", default=default, help=help)


def without_effect(names: Sequence[str]) -> Callable[[F], F]:
    """Declare flags that are accepted, with any value or none, and only noted in the context's `meta`."""

    def declare(function: F) -> F:
        for name in names:
            function = click.option(
                f"--{name}", hidden=True, is_flag=False, flag_value="true", expose_value=False, callback=_note
            )(function)
        return function

    return declare


def _note(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.meta.setdefault(WITHOUT_EFFECT, []).append(param.opts[0])
