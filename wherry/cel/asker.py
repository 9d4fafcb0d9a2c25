"""Who an expression's `authorizer` answers for. Nothing of CEL is loaded for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Decide = Callable[[Mapping[str, Any], Mapping[str, str]], tuple[bool, str]]
"""(user, attempt) -> whether that user may do it, and why, "" where nobody says.

A user has `username`, `groups`, `uid` and `extra`; an attempt `verb`, and `path`, or `group`, `resource`,
`subresource`, `namespace` and `name`.
"""


@dataclass(frozen=True, slots=True)
class Asker:
    """The value of `authorizer`: `request` is the attempt that is being made, without its verb; `decide` answers."""

    user: Mapping[str, Any]
    request: Mapping[str, str]
    decide: Decide
