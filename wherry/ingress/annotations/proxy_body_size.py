"""`proxy-body-size`: the largest request body."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="proxy-body-size",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="The largest request body (413 above it), such as 8m; 0 means any.",
    read=values.size,
)
