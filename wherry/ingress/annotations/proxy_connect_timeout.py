"""`proxy-connect-timeout`: seconds for connecting to an endpoint."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="proxy-connect-timeout",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="Seconds to wait for a connection to an endpoint before the next one is tried.",
    read=values.seconds,
)
