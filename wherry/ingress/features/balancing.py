"""Which endpoint a request goes to. Told to Lua."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_KEY: Final = re.compile(r"([A-Za-z0-9\-_./:,]|\$[a-z][a-z0-9_]*|\$\{[a-z][a-z0-9_]*\})+", re.ASCII)


def _key(text: str) -> str:
    if len(text) > 256 or not _KEY.fullmatch(text):
        raise values.BadValue("expected variables of nginx and text, such as $request_uri")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="load-balance",
        doc="round_robin; ewma: of two endpoints the one that answered faster of late; or least_conn: the one with the "
        "fewest requests under way. Each worker sees its own.",
        read=values.one_of("round_robin", "ewma", "least_conn"),
        default="round_robin",
        setting=True,
        differs="with ewma each worker of nginx has its own view of the endpoints; ingress-nginx' workers share theirs",
    ),
    Annotation(
        name="upstream-hash-by",
        risk=Risk.HIGH,
        doc="Requests with equal values of these variables, such as $request_uri, go to the same endpoint.",
        read=_key,
        default="",
    ),
    Annotation(
        name="upstream-hash-by-subset",
        doc="They go to a few endpoints instead of one.",
        read=values.boolean,
        default=False,
    ),
    Annotation(name="upstream-hash-by-subset-size", doc="How many those are.", read=values.integer(1, 1000), default=3),
)


@dataclass(frozen=True)
class Balancing(Part):
    """The way to choose; `hash_by` goes before it. `few`: how many endpoints share a key."""

    algorithm: str = "round_robin"
    hash_by: str = ""
    few: int = 1

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        parts = re.findall(r"\$\{?([a-z][a-z0-9_]*)\}?|([^$]+)", self.hash_by)
        key = [{"variable": name} if name else {"text": text} for name, text in parts]
        return {"balance": {"algorithm": self.algorithm, "hash_by": key, "few": self.few}}


def of(policy: Policy, sources: Sources) -> Balancing | None:
    """Return the way to choose, None for the usual one: all in turn."""
    few = policy["upstream-hash-by-subset-size"] if policy["upstream-hash-by-subset"] else 1
    made = Balancing(policy["load-balance"], policy["upstream-hash-by"], few)
    return made if made.hash_by or made.algorithm != "round_robin" else None
