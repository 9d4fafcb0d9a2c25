"""Versions by semver.org: `semver`, `isSemver`, their parts; and how they and quantities compare."""

from __future__ import annotations

import re
from typing import Any

from wherry.cel import opaque
from wherry.cel.functions import quantities
from wherry.cel.functions.function import Function

_NUMBER = r"(?:0|[1-9]\d*)"
_PRE = rf"(?:{_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PRE}(?:\.{_PRE})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)


def _normal(text: str) -> str:
    """Return `v1.02` as `1.2.0`, what a normalising `semver` makes of it."""
    core, mark, rest = re.match(r"v?([^-+]*)([-+]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    parts = [part.lstrip("0") or "0" if part.isdigit() else part for part in core.split(".")]
    return ".".join(parts + ["0"] * (3 - len(parts))) + mark + rest


def _semver(text: str, normalise: bool = False) -> Any:
    wanted = _normal(text) if normalise else text
    if _VERSION.fullmatch(wanted) is None:
        raise ValueError(f"Semver parse error during conversion from string: {text!r} is no semantic version")
    return opaque.wrap(opaque.SEMVER, wanted.partition("+")[0])


def _is_semver(text: str, normalise: bool = False) -> bool:
    return _VERSION.fullmatch(_normal(text) if normalise else text) is not None


def _parts(value: Any) -> tuple[int, int, int, str]:
    match = _VERSION.fullmatch(opaque.text(value, opaque.SEMVER))
    assert match is not None, "what is wrapped was parsed"
    return int(match[1]), int(match[2]), int(match[3]), match[4] or ""


def _order(value: Any) -> Any:
    """Return what orders a version: one of no pre-release is after all of them, numbers are before words."""
    major, minor, patch, pre = _parts(value)
    words = [(0, int(word), "") if word.isdigit() else (1, 0, word) for word in pre.split(".")] if pre else []
    return major, minor, patch, not pre, words


def _compare(a: Any, b: Any) -> int:
    if opaque.is_a(a, opaque.SEMVER):
        left, right = _order(a), _order(b)
    else:
        left, right = quantities.nano(a), quantities.nano(b)
    return int(left > right) - int(left < right)


_COMPARISONS = [
    Function(name, [kind, kind], result, call)
    for kind in (opaque.QUANTITY, opaque.SEMVER)
    for name, result, call in (
        ("isLessThan", "bool", lambda a, b: _compare(a, b) < 0),
        ("isGreaterThan", "bool", lambda a, b: _compare(a, b) > 0),
        ("compareTo", "int", _compare),
    )
]

FUNCTIONS = (
    Function("semver", ["string"], "Semver", _semver, is_member=False),
    Function("semver", ["string", "bool"], "Semver", _semver, is_member=False),
    Function("isSemver", ["string"], "bool", _is_semver, is_member=False),
    Function("isSemver", ["string", "bool"], "bool", _is_semver, is_member=False),
    Function("major", ["Semver"], "int", lambda value: _parts(value)[0]),
    Function("minor", ["Semver"], "int", lambda value: _parts(value)[1]),
    Function("patch", ["Semver"], "int", lambda value: _parts(value)[2]),
    *_COMPARISONS,
)
