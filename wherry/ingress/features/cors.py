"""Which other origins' pages may ask (Fetch standard, CORS protocol). Told to Lua: no change of it needs a reload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

METHODS: Final = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
HEADERS: Final = (
    "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
)
_ORIGIN: Final = values.pattern(
    r"\*|null|([a-z][a-z0-9+.\-]*://(\*\.)?[A-Za-z0-9\-._]+|[a-z][a-z0-9+.\-]*://\*)(:[0-9]{1,5})?",
    "origins such as https://example.com or https://*.example.com, with commas between",
)
_NAMES: Final = values.pattern(r"[A-Za-z0-9\-_, *]{1,4096}", "names with commas between them")


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(_ORIGIN(part) for part in values.separated(text))
    if not found:
        raise values.BadValue("expected at least one origin")
    return found


ANNOTATIONS: Final = (
    Annotation(name="enable-cors", doc="Pages of other origins may ask.", read=values.boolean, default=False),
    Annotation(
        name="cors-allow-origin",
        risk=Risk.MEDIUM,
        doc="Their origins, with commas between; * is any, and in the place of the first label any subdomain.",
        read=_origins,
        default=("*",),
    ),
    Annotation(
        name="cors-allow-methods",
        risk=Risk.MEDIUM,
        doc="The methods they may use.",
        read=_NAMES,
        default=METHODS,
    ),
    Annotation(
        name="cors-allow-headers",
        risk=Risk.MEDIUM,
        doc="The headers they may send.",
        read=_NAMES,
        default=HEADERS,
    ),
    Annotation(
        name="cors-expose-headers",
        risk=Risk.MEDIUM,
        doc="The headers of answers they may read.",
        read=_NAMES,
        default="",
    ),
    Annotation(
        name="cors-allow-credentials",
        doc="Whether cookies and passwords go with their requests.",
        read=values.boolean,
        default=True,
    ),
    Annotation(
        name="cors-max-age",
        doc="Seconds a browser may remember all this.",
        read=values.integer(0, 999_999_999),
        default=1_728_000,
    ),
)


@dataclass(frozen=True)
class Cors(Part):
    """What browsers are told; a preflight (OPTIONS) is answered by nginx itself, with 204."""

    origins: tuple[str, ...] = ("*",)
    methods: str = METHODS
    headers_allowed: str = HEADERS
    exposed: str = ""
    credentials: bool = True
    max_age: int = 1_728_000

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        return {
            "cors": {
                "origins": list(self.origins),
                "methods": self.methods,
                "headers": self.headers_allowed,
                "expose": self.exposed,
                "credentials": self.credentials,
                "max_age": str(self.max_age),
            }
        }


def of(policy: Policy, sources: Sources) -> Cors | None:
    """Return what is told, None where nothing is."""
    if not policy["enable-cors"]:
        return None
    return Cors(
        origins=policy["cors-allow-origin"],
        methods=policy["cors-allow-methods"],
        headers_allowed=policy["cors-allow-headers"],
        exposed=policy["cors-expose-headers"],
        credentials=policy["cors-allow-credentials"],
        max_age=policy["cors-max-age"],
    )
