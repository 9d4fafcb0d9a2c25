"""TLS that is the endpoint's own: connections with the host's name are passed on as they come, by SNI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Scope
from wherry.ingress.features.part import Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="ssl-passthrough",
        scope=Scope.HOST,
        doc="Connections to the https port with the host's name go as they come to the Service of its path /, which "
        "speaks TLS itself; needs --enable-ssl-passthrough, as upstream.",
        read=values.boolean,
        default=False,
    ),
)


@dataclass(frozen=True)
class Passthrough(Part):
    """The wish; where it leads follows of the host's path /."""

    host_wide = True


def of(policy: Policy, sources: Sources) -> Passthrough | None:
    """Return the wish, None without."""
    return Passthrough() if policy["ssl-passthrough"] else None
