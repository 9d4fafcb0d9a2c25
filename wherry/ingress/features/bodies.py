"""Request bodies: how large, and where they are kept until they are passed on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation
from wherry.ingress.features.directive import Line, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="proxy-body-size",
        doc="The largest request body (413 above it), such as 8m; 0 means any.",
        read=values.size,
        default="1m",
        setting=True,
    ),
    Annotation(
        name="client-body-buffer-size",
        doc="A request body up to this size is kept in memory, such as 1M; a larger one in a file.",
        read=values.size,
        default="8k",
        setting=True,
    ),
    Annotation(
        name="proxy-request-buffering",
        doc="Whether the request body is read to its end before an endpoint gets it: on or off.",
        read=values.switch,
        default=True,
        setting=True,
    ),
)


@dataclass(frozen=True)
class Bodies(Part):
    """Sizes as nginx writes them."""

    largest: str = "1m"
    buffer: str = "8k"
    buffered: bool = True

    def location(self, at: At) -> Iterator[Line]:
        """Say what differs from nginx.conf's own."""
        yield line("client_max_body_size", self.largest)
        if self.buffer != "8k":
            yield line("client_body_buffer_size", self.buffer)
        if not self.buffered:
            yield line("proxy_request_buffering", flag(False))


def of(policy: Policy, sources: Sources) -> Bodies:
    """Return the limits."""
    return Bodies(policy["proxy-body-size"], policy["client-body-buffer-size"], policy["proxy-request-buffering"])
