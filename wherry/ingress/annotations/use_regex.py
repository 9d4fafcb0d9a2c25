"""`use-regex`: paths are regular expressions."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="use-regex",
    scope=Scope.HOST,
    risk=Risk.LOW,
    doc="Paths are regular expressions: matched at the start, ignoring case, for every Ingress of the host.",
    read=values.boolean,
)
