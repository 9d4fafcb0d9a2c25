"""A second opinion: an Ingress that takes a part of the requests another one's paths get.

Its rules own no path. Where another Ingress has the same host and path, its Service gets the requests that a header, a
cookie or the weight says, in this order (ingress-nginx' `route_to_alternative_balancer`). All of it is told to Lua.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.part import At, Part
from wherry.ingress.features.policy import Policy


def _regex(text: str) -> str:
    if wrong := values.regex_error(text):
        raise values.BadValue(f"expected a regular expression: {wrong}")
    if len(text) > 256:
        raise values.BadValue("expected a regular expression of 256 characters at most")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="canary", doc="The Ingress is a second opinion on another's paths.", read=values.boolean, default=False
    ),
    Annotation(
        name="canary-weight",
        doc="How many of canary-weight-total requests it gets.",
        read=values.integer(0, 999_999_999),
        default=0,
    ),
    Annotation(
        name="canary-weight-total", doc="The whole of the weight.", read=values.integer(1, 999_999_999), default=100
    ),
    Annotation(
        name="canary-by-header",
        risk=Risk.MEDIUM,
        doc="A request with this header at always goes to the canary, at never it does not.",
        read=values.token,
        default="",
    ),
    Annotation(
        name="canary-by-header-value",
        risk=Risk.MEDIUM,
        doc="The header's value that takes the place of always and never.",
        read=values.plain,
        default="",
    ),
    Annotation(
        name="canary-by-header-pattern",
        risk=Risk.HIGH,
        doc="A regular expression for the value, where canary-by-header-value is not set.",
        read=_regex,
        default="",
    ),
    Annotation(
        name="canary-by-cookie",
        risk=Risk.MEDIUM,
        doc="A request with this cookie at always goes to the canary, at never it does not.",
        read=values.token,
        default="",
    ),
)


@dataclass(frozen=True)
class Split(Part):
    """The part of the requests that go to another Service."""

    namespace: str
    service: str
    port: str
    weight: int = 0
    total: int = 100
    header: str = ""
    value: str = ""
    pattern: str = ""
    cookie: str = ""

    def backends(self) -> Iterable[tuple[str, str, str]]:
        """Return the Service."""
        return ((self.namespace, self.service, self.port),)

    def told(self) -> str:
        """Return in words who gets what."""
        by = [f"the header {self.header}"] if self.header else []
        by += [f"the cookie {self.cookie}"] if self.cookie else []
        by += [f"{self.weight} of {self.total} requests"] if self.weight else []
        return f"Service {self.namespace}/{self.service}, port {self.port}: {', '.join(by) or 'nothing yet'}"

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        return {
            "split": {
                "backend": f"{self.namespace}/{self.service}/{self.port}",
                "weight": self.weight,
                "total": self.total,
                "header": self.header,
                "value": self.value,
                "pattern": self.pattern,
                "cookie": self.cookie,
            }
        }


def split(policy: Policy, namespace: str, service: str, port: str) -> Split:
    """Return the part that an Ingress which is a canary asks for, for one Service."""
    return Split(
        namespace,
        service,
        port,
        weight=policy["canary-weight"],
        total=policy["canary-weight-total"],
        header=policy["canary-by-header"],
        value=policy["canary-by-header-value"],
        pattern=policy["canary-by-header-pattern"],
        cookie=policy["canary-by-cookie"],
    )
