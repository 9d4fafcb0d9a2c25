"""From http to https."""

from __future__ import annotations

from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.policy import Policy
from wherry.ingress.settings import Settings

ANNOTATIONS: Final = (
    Annotation(
        name="ssl-redirect",
        scope=Scope.LOCATION,
        risk=Risk.LOW,
        doc="Answers http with 308 to https when the host has TLS; on unless the ConfigMap or this says otherwise.",
        read=values.boolean,
    ),
    Annotation(
        name="force-ssl-redirect",
        scope=Scope.LOCATION,
        risk=Risk.LOW,
        doc="Answers http with 308 to https, TLS of its own or not, as behind a load balancer that ends it.",
        read=values.boolean,
    ),
)


def of(policy: Policy, settings: Settings, tls: bool) -> bool:
    """Whether http is answered with a redirect; `tls` says whether the host has TLS."""
    forced: bool = policy.get("force-ssl-redirect", settings.force_ssl_redirect)
    wanted: bool = policy.get("ssl-redirect", settings.ssl_redirect)
    return forced or (wanted and tls)
