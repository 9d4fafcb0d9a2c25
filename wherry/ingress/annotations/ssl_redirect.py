"""`ssl-redirect`: redirect http to https where the host has TLS."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="ssl-redirect",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="Answers http with 308 to https when the host has TLS; on unless the ConfigMap or this says otherwise.",
    read=values.boolean,
)
