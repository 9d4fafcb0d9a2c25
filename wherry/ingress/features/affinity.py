"""A client's requests go to one endpoint, by a cookie. Told to Lua."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_AGE: Final = values.pattern(r"-?[0-9]{1,10}", "a number of seconds")

ANNOTATIONS: Final = (
    Annotation(
        name="affinity",
        doc="cookie: a client keeps the endpoint it was given.",
        differs="clients stay where they are when endpoints are added; ingress-nginx moves some, unless affinity-mode "
        "is persistent",
        read=values.one_of("cookie"),
        default="",
    ),
    Annotation(
        name="affinity-mode",
        doc="balanced or persistent. Both keep a client where it is as long as its endpoint lives.",
        read=values.one_of("balanced", "persistent"),
        default="balanced",
    ),
    Annotation(
        name="affinity-canary-behavior",
        doc="sticky: who was given to a canary stays there; legacy: every request is decided anew.",
        read=values.one_of("sticky", "legacy"),
        default="sticky",
    ),
    Annotation(
        name="session-cookie-name",
        risk=Risk.MEDIUM,
        doc="The cookie's name.",
        read=values.token,
        default="INGRESSCOOKIE",
    ),
    Annotation(
        name="session-cookie-path",
        risk=Risk.MEDIUM,
        doc="Its path; the rule's, or / where that is a pattern.",
        read=values.pattern(r"/[A-Za-z0-9\-._~/]*", "a path such as /app"),
        default="",
    ),
    Annotation(
        name="session-cookie-domain",
        risk=Risk.MEDIUM,
        doc="Its domain; the host asked for, unless given.",
        read=values.pattern(r"\.?[A-Za-z0-9\-.]{1,253}", "a domain such as example.com"),
        default="",
    ),
    Annotation(name="session-cookie-expires", doc="Seconds until it expires (Expires).", read=_AGE, default=""),
    Annotation(name="session-cookie-max-age", doc="The same as Max-Age.", read=_AGE, default=""),
    Annotation(
        name="session-cookie-samesite",
        doc="None, Lax or Strict.",
        read=values.one_of("None", "Lax", "Strict"),
        default="",
    ),
    Annotation(
        name="session-cookie-secure",
        doc="Whether it is for https only; as the request was, unless given.",
        read=values.boolean,
        default=None,
    ),
    Annotation(
        name="session-cookie-conditional-samesite-none",
        doc="SameSite=None is left out for browsers that take it for Strict or refuse the cookie.",
        read=values.boolean,
        default=False,
    ),
    Annotation(
        name="session-cookie-partitioned",
        doc="Whether it is kept apart for each site that embeds this one (Partitioned).",
        read=values.boolean,
        default=False,
    ),
    Annotation(
        name="session-cookie-change-on-failure",
        doc="Whether a client whose endpoint failed gets another one for good.",
        read=values.boolean,
        default=False,
    ),
)


@dataclass(frozen=True)
class Affinity(Part):
    """The cookie."""

    name: str = "INGRESSCOOKIE"
    path: str = ""
    domain: str = ""
    expires: str = ""
    max_age: str = ""
    same_site: str = ""
    secure: bool | None = None
    changes: bool = False
    sticky_canary: bool = True
    conditional_none: bool = False
    partitioned: bool = False

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        return {
            "affinity": {
                "name": self.name,
                "path": self.path or ("/" if at.pattern else at.path),
                "domain": self.domain,
                "expires": self.expires,
                "max_age": self.max_age,
                "same_site": self.same_site,
                "secure": "" if self.secure is None else str(self.secure).lower(),
                "changes": self.changes,
                "sticky_canary": self.sticky_canary,
                "conditional_none": self.conditional_none,
                "partitioned": self.partitioned,
            }
        }


def of(policy: Policy, sources: Sources) -> Affinity | None:
    """Return the cookie, None without one."""
    if policy["affinity"] != "cookie":
        return None
    return Affinity(
        name=policy["session-cookie-name"],
        path=policy["session-cookie-path"],
        domain=policy["session-cookie-domain"],
        expires=policy["session-cookie-expires"],
        max_age=policy["session-cookie-max-age"],
        same_site=policy["session-cookie-samesite"],
        secure=policy["session-cookie-secure"],
        changes=policy["session-cookie-change-on-failure"],
        sticky_canary=policy["affinity-canary-behavior"] == "sticky",
        conditional_none=policy["session-cookie-conditional-samesite-none"],
        partitioned=policy["session-cookie-partitioned"],
    )
