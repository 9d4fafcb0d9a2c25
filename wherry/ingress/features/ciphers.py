"""Which ciphers a host's TLS may use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.directive import Line, flag, line
from wherry.ingress.features.part import Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="ssl-ciphers",
        scope=Scope.HOST,
        risk=Risk.MEDIUM,
        doc="Ciphers as OpenSSL writes them, for TLS 1.2 and below.",
        read=values.ciphers,
        default="",
    ),
    Annotation(
        name="ssl-prefer-server-ciphers",
        scope=Scope.HOST,
        doc="Whether our order of them goes before the client's.",
        read=values.boolean,
        default=True,
    ),
)


@dataclass(frozen=True)
class Ciphers(Part):
    """The ciphers of one host, "" for everybody's."""

    host_wide = True

    names: str = ""
    ours_first: bool = True

    def server(self) -> Iterator[Line]:
        """Say what the host has of its own."""
        if self.names:
            yield line("ssl_ciphers", self.names)
        yield line("ssl_prefer_server_ciphers", flag(self.ours_first))


def of(policy: Policy, sources: Sources) -> Ciphers | None:
    """Return the host's own ciphers, None for everybody's."""
    if not policy.says("ssl-ciphers", "ssl-prefer-server-ciphers"):
        return None
    return Ciphers(policy["ssl-ciphers"], policy["ssl-prefer-server-ciphers"])
