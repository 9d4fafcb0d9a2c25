"""`rewrite-target`: the path the endpoint gets instead of the one asked for."""

from __future__ import annotations

import re
from typing import Final

from wherry.ingress.annotations.frame import Annotation, Risk, Scope
from wherry.ingress.values import BadValue

_TARGET: Final = re.compile(r"(/|\$[1-9])([A-Za-z0-9\-._~!*+,:@%&=/?]|\$[1-9])*", re.ASCII)
"""A path with `$1` to `$9` for the groups of the path's pattern. No other `$`: it would read an nginx variable, and no
character that ends a string or a directive (CVE-2026-3288)."""

MAX_LENGTH: Final = 1024


def _target(text: str) -> str:
    if len(text) > MAX_LENGTH or not _TARGET.fullmatch(text):
        raise BadValue("expected a path such as /$2, made of URL characters and $1 to $9")
    return text


ANNOTATION = Annotation(
    name="rewrite-target",
    scope=Scope.HOST,
    risk=Risk.HIGH,
    doc="Replaces the path; $1 to $9 are the groups of the rule's path, which becomes a pattern as with use-regex.",
    read=_target,
)
