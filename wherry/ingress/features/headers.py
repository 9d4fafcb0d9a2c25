"""Request headers the endpoint gets: the host's name, the connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.directive import Text
from wherry.ingress.features.part import Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="upstream-vhost",
        risk=Risk.MEDIUM,
        doc="The endpoint gets this as Host.",
        read=values.host,
        default="",
    ),
    Annotation(
        name="connection-proxy-header",
        doc="The endpoint gets this as Connection: keep-alive or close.",
        read=values.one_of("keep-alive", "close"),
        default="",
    ),
)


@dataclass(frozen=True)
class Headers(Part):
    """The values, "" for the usual ones."""

    host: str = ""
    connection: str = ""

    def headers(self) -> Mapping[str, Text]:
        """Set them."""
        wanted = {"Host": self.host, "Connection": self.connection}
        return {name: Text(value) for name, value in wanted.items() if value}


def of(policy: Policy, sources: Sources) -> Headers | None:
    """Return the headers, None for the usual ones."""
    made = Headers(policy["upstream-vhost"], policy["connection-proxy-header"])
    return made if made != Headers() else None
