"""What is logged of requests."""

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
        name="enable-access-log", doc="Whether requests are in the access log.", read=values.boolean, default=True
    ),
    Annotation(
        name="enable-rewrite-log", doc="Whether rewrites are in the error log.", read=values.boolean, default=False
    ),
)


@dataclass(frozen=True)
class Logs(Part):
    """What is logged."""

    access: bool = True
    rewrites: bool = False

    def location(self, at: At) -> Iterator[Line]:
        """Say what differs from nginx.conf's own."""
        if not self.access:
            yield line("access_log", "off")
        if self.rewrites:
            yield line("rewrite_log", flag(True))


def of(policy: Policy, sources: Sources) -> Logs | None:
    """Return what is logged, None for the usual."""
    made = Logs(policy["enable-access-log"], policy["enable-rewrite-log"])
    return made if made != Logs() else None
