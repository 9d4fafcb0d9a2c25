"""`proxy-read-timeout`: seconds between two reads from an endpoint."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="proxy-read-timeout",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="Seconds between two reads from an endpoint before the answer is 504.",
    read=values.seconds,
)
