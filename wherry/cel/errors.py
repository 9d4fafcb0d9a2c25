"""What is wrong with an expression."""

from __future__ import annotations


class CelError(ValueError):
    """The base of all that goes wrong with expressions."""


class Uncompilable(CelError):
    """An expression that is no CEL, or whose types do not fit; the text shows the place."""


class Unevaluable(CelError):
    """An expression that came to no value: a missing key, a division by zero, a bad argument."""


class TooCostly(CelError):
    """An expression that was given up because it takes too long."""
