"""Another path for the endpoint than the one asked for, and paths that are regular expressions."""

from __future__ import annotations

import re
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.policy import Policy
from wherry.ingress.settings import Settings

_TARGET: Final = re.compile(r"(/|\$[1-9])([A-Za-z0-9\-._~!*+,:@%&=/?]|\$[1-9])*", re.ASCII)
"""A path with `$1` to `$9` for the groups of the path's pattern. No other `$`: it would read an nginx variable, and no
character that ends a string or a directive (CVE-2026-3288)."""

MAX_LENGTH: Final = 1024


def _target(text: str) -> str:
    if len(text) > MAX_LENGTH or not _TARGET.fullmatch(text):
        raise values.BadValue("expected a path such as /$2, made of URL characters and $1 to $9")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="rewrite-target",
        scope=Scope.HOST,
        risk=Risk.HIGH,
        doc="Replaces the path; $1 to $9 are the groups of the rule's path, which becomes a pattern as with use-regex.",
        read=_target,
    ),
    Annotation(
        name="use-regex",
        scope=Scope.HOST,
        risk=Risk.LOW,
        doc="Paths are regular expressions: matched at the start, ignoring case, for every Ingress of the host.",
        read=values.boolean,
    ),
)


def of(policy: Policy, settings: Settings) -> str:
    """Return the target, "" for the path as asked for."""
    target: str = policy.get("rewrite-target", "")
    return target


def makes_patterns(policy: Policy) -> bool:
    """Whether paths are regular expressions: asked for, or implied by rewriting (ingress-nginx' rule)."""
    return bool(policy.get("use-regex") or policy.get("rewrite-target"))
