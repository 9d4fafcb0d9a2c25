"""`force-ssl-redirect`: redirect http to https, TLS or not."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

ANNOTATION = Annotation(
    name="force-ssl-redirect",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="Answers http with 308 to https, TLS of its own or not, as behind a load balancer that ends it.",
    read=values.boolean,
)
