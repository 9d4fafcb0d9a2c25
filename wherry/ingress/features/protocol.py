"""What the endpoints speak."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.policy import Policy
from wherry.ingress.settings import Settings


class Protocol(StrEnum):
    """A protocol towards endpoints, as the annotation names it."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"


ELSEWHERE: Final = ("AUTO_HTTP", "GRPC", "GRPCS", "FCGI")
"""What ingress-nginx also knows, and we refuse by name."""


def _protocol(text: str) -> Protocol:
    word = text.upper()
    if word in ELSEWHERE:
        raise values.BadValue(f"{word} is not supported: expected one of {', '.join(Protocol)}")
    return Protocol(values.one_of(*Protocol)(word))


ANNOTATIONS: Final = (
    Annotation(
        name="backend-protocol",
        scope=Scope.LOCATION,
        risk=Risk.LOW,
        doc="The endpoints speak HTTP or HTTPS. HTTPS is not verified, as upstream.",
        read=_protocol,
    ),
)


def of(policy: Policy, settings: Settings) -> Protocol:
    """Return the protocol."""
    protocol: Protocol = policy.get("backend-protocol", Protocol.HTTP)
    return protocol
