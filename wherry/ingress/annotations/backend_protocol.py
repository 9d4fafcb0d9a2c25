"""`backend-protocol`: what the endpoints speak."""

from __future__ import annotations

from wherry.ingress import values
from wherry.ingress.annotations.frame import Annotation, Risk, Scope

SUPPORTED = ("HTTP", "HTTPS")
ELSEWHERE = ("AUTO_HTTP", "GRPC", "GRPCS", "FCGI")
"""What ingress-nginx also knows, and we refuse by name."""


def _protocol(text: str) -> str:
    word = text.upper()
    if word in ELSEWHERE:
        raise values.BadValue(f"{word} is not supported: expected one of {', '.join(SUPPORTED)}")
    return values.one_of(*SUPPORTED)(word)


ANNOTATION = Annotation(
    name="backend-protocol",
    scope=Scope.LOCATION,
    risk=Risk.LOW,
    doc="The endpoints speak HTTP or HTTPS. HTTPS is not verified, as upstream.",
    read=_protocol,
)
