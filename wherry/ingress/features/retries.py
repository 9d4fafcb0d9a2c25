"""When a request is tried at another endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.directive import Line, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_CASES: Final = (
    "error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504", "http_403", "http_404",
    "http_429", "non_idempotent", "off",
)  # fmt: skip

ANNOTATIONS: Final = (
    Annotation(
        name="proxy-next-upstream",
        doc="The cases in which another endpoint is tried, with blanks between: nginx' words, such as error timeout.",
        read=values.words(_CASES),
        default=("error", "timeout"),
        setting=True,
    ),
    Annotation(
        name="proxy-next-upstream-timeout",
        doc="Seconds after which no other endpoint is tried; 0 is no limit.",
        read=values.integer(0, 999_999),
        default=0,
        setting=True,
    ),
    Annotation(
        name="proxy-next-upstream-tries",
        doc="How often an endpoint is tried at most; 0 is all of them.",
        read=values.integer(0, 99),
        default=3,
        setting=True,
    ),
)

SETTINGS: Final = (Setting(name="retry-non-idempotent", read=values.boolean, default=False),)


@dataclass(frozen=True)
class Retries(Part):
    """The cases in nginx' words, the limits in seconds and tries (0: none)."""

    cases: tuple[str, ...] = ("error", "timeout")
    seconds: int = 0
    tries: int = 3
    module: str = "proxy"

    def location(self, at: At) -> Iterator[Line]:
        """Say what differs from nginx.conf's own."""
        if self.cases != ("error", "timeout") or self.module != "proxy":
            yield line(f"{self.module}_next_upstream", *self.cases)
        if self.seconds:
            yield line(f"{self.module}_next_upstream_timeout", f"{self.seconds}s")
        if self.tries != 3 or self.module != "proxy":
            yield line(f"{self.module}_next_upstream_tries", str(self.tries))


def of(policy: Policy, sources: Sources) -> Retries:
    """Return the rule."""
    cases, seconds, tries = (policy[f"proxy-next-upstream{what}"] for what in ("", "-timeout", "-tries"))
    if policy["retry-non-idempotent"] and "non_idempotent" not in cases:
        cases = (*cases, "non_idempotent")
    return Retries(cases, seconds, tries, "grpc" if policy["backend-protocol"] in ("GRPC", "GRPCS") else "proxy")
