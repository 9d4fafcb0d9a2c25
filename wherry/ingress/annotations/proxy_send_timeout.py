"""`proxy-send-timeout`: seconds between two writes to an endpoint."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="proxy-send-timeout",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="Seconds between two writes to an endpoint before the answer is 504.",
    read=values.seconds,
)
