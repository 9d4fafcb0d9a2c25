"""How long nginx waits for an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation
from wherry.ingress.features.directive import Line, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy


def _annotation(step: str, default: int, doc: str) -> Annotation:
    return Annotation(name=f"proxy-{step}-timeout", doc=doc, read=values.seconds, default=default, setting=True)


ANNOTATIONS: Final = (
    _annotation("connect", 5, "Seconds to wait for a connection to an endpoint before the next one is tried."),
    _annotation("read", 60, "Seconds between two reads from an endpoint before the answer is 504."),
    _annotation("send", 60, "Seconds between two writes to an endpoint before the answer is 504."),
)


@dataclass(frozen=True)
class Timeouts(Part):
    """Seconds until a connection is given up, and between two reads or writes on one; `module` waits for them."""

    connect: int = 5
    read: int = 60
    send: int = 60
    module: str = "proxy"

    def location(self, at: At) -> Iterator[Line]:
        """Say all three."""
        for step in ("connect", "read", "send"):
            yield line(f"{self.module}_{step}_timeout", f"{getattr(self, step)}s")


def of(policy: Policy, sources: Sources) -> Timeouts:
    """Return the timeouts."""
    module = "grpc" if policy["backend-protocol"] in ("GRPC", "GRPCS") else "proxy"
    connect, read, send = (policy[f"proxy-{step}-timeout"] for step in ("connect", "read", "send"))
    return Timeouts(connect, read, send, module)
