"""The largest request body."""

from __future__ import annotations

from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.policy import Policy
from wherry.ingress.settings import Settings

ANNOTATIONS: Final = (
    Annotation(
        name="proxy-body-size",
        scope=Scope.LOCATION,
        risk=Risk.LOW,
        doc="The largest request body (413 above it), such as 8m; 0 means any.",
        read=values.size,
    ),
)


def of(policy: Policy, settings: Settings) -> str:
    """Return the size as nginx writes it."""
    size: str = policy.get("proxy-body-size", settings.proxy_body_size)
    return size
