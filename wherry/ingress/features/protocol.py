"""What the endpoints speak: the last words of a location."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wherry.ingress import values
from wherry.ingress.features import backendtls
from wherry.ingress.features.annotation import Annotation
from wherry.ingress.features.directive import Line, Text, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy


class Protocol(StrEnum):
    """A protocol towards endpoints, as the annotation names it."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    AUTO_HTTP = "AUTO_HTTP"
    GRPC = "GRPC"
    GRPCS = "GRPCS"


def _protocol(text: str) -> Protocol:
    word = text.upper()
    if word == "FCGI":
        raise values.BadValue(f"{word} is not supported: expected one of {', '.join(Protocol)}")
    return Protocol(values.one_of(*Protocol)(word))


ANNOTATIONS: Final = (
    Annotation(
        name="backend-protocol",
        doc="The endpoints speak HTTP, HTTPS, GRPC, GRPCS, or what the client does (AUTO_HTTP). TLS to them is not "
        "verified unless proxy-ssl-verify says so.",
        read=_protocol,
        default=Protocol.HTTP,
    ),
    Annotation(
        name="proxy-http-version",
        doc="HTTP version towards the endpoints: 1.0 or 1.1.",
        read=values.one_of("1.0", "1.1"),
        default="1.1",
        setting=True,
    ),
)

_PASS: Final = {
    Protocol.HTTP: ("proxy_pass", "http://wherry_http"),
    Protocol.HTTPS: ("proxy_pass", "https://wherry_https"),
    Protocol.AUTO_HTTP: ("proxy_pass", Text("$scheme://wherry_$scheme")),
    Protocol.GRPC: ("grpc_pass", "grpc://wherry_grpc"),
    Protocol.GRPCS: ("grpc_pass", "grpcs://wherry_grpcs"),
}


@dataclass(frozen=True)
class Passing(Part):
    """How requests are passed on. `alone`: over connections no other location shares (see `backendtls`)."""

    protocol: Protocol = Protocol.HTTP
    version: str = "1.1"
    alone: bool = False

    def location(self, at: At) -> Iterator[Line]:
        """Pass the request on."""
        if self.version != "1.1":
            yield line("proxy_http_version", self.version)
        directive, to = _PASS[self.protocol]
        if self.alone and self.protocol in (Protocol.HTTPS, Protocol.GRPCS):
            to = to.partition("://")[0] + "://wherry_https_alone"
        yield line(directive, to)


def of(policy: Policy, sources: Sources) -> Passing:
    """Return the protocol."""
    alone = policy.says(*(a.name for a in backendtls.ANNOTATIONS))
    return Passing(policy["backend-protocol"], policy["proxy-http-version"], alone)
