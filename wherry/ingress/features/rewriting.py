"""Another path for the endpoint than the one asked for, and paths that are regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.directive import Line, Text, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_TARGET: Final = re.compile(r"(/|\$[1-9])([A-Za-z0-9\-._~!*+,:@%&=/?]|\$[1-9])*", re.ASCII)
"""A path with `$1` to `$9` for the groups of the path's pattern. No other `$`: it would read an nginx variable, and no
character that ends a string or a directive (CVE-2026-3288)."""
_PREFIX: Final = re.compile(r"/[A-Za-z0-9\-._~/]*|\$[1-9]|(/[A-Za-z0-9\-._~]*)+/?\$[1-9]", re.ASCII)

_UNESCAPED: Final = "!\"$&'()*+,/:;<=>@[\\]^`{|}"

MAX_LENGTH: Final = 1024


def _target(text: str) -> str:
    if len(text) > MAX_LENGTH or not _TARGET.fullmatch(text):
        raise values.BadValue("expected a path such as /$2, made of URL characters and $1 to $9")
    return text


def _prefix(text: str) -> str:
    if len(text) > MAX_LENGTH or not _PREFIX.fullmatch(text):
        raise values.BadValue("expected a path such as /app, made of letters, digits and -._~/")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="rewrite-target",
        scope=Scope.HOST,
        risk=Risk.HIGH,
        doc="Replaces the path; $1 to $9 are the groups of the rule's path, which becomes a pattern as with use-regex.",
        read=_target,
        default="",
    ),
    Annotation(
        name="use-regex",
        scope=Scope.HOST,
        doc="Paths are regular expressions: matched at the start, ignoring case, for every Ingress of the host.",
        read=values.boolean,
        default=False,
    ),
    Annotation(
        name="x-forwarded-prefix",
        risk=Risk.MEDIUM,
        doc="The endpoint gets this as X-Forwarded-Prefix; only where rewrite-target is set, as upstream.",
        read=_prefix,
        default="",
    ),
)


@dataclass(frozen=True)
class Rewriting(Part):
    """The endpoint's path, with `$1` to `$9` for the location's groups, and what it is told of the original one."""

    target: str
    prefix: str = ""

    def location(self, at: At) -> Iterator[Line]:
        """Rewrite. The last directive of its phase, and no `set` or `if` reads a capture: CVE-2026-42945."""
        yield line("rewrite", Text("(?i)^" + at.path), Text(self.target), "break")

    def applied(self, pattern: str, path: str) -> str:
        """Return what becomes of a path that the location's pattern matches, escaped as by `ngx_escape_uri`."""
        found = re.match(pattern, path, re.IGNORECASE)
        return re.sub(r"\$([1-9])", lambda group: quote(_group(found, int(group[1])), _UNESCAPED), self.target)

    def headers(self) -> dict[str, Text]:
        """Tell the prefix."""
        return {"X-Forwarded-Prefix": Text(self.prefix)} if self.prefix else {}


def _group(found: re.Match[str] | None, number: int) -> str:
    """Return the text of a group, "" for one there is not, as nginx does."""
    return (found[number] or "") if found and number <= found.re.groups else ""


def of(policy: Policy, sources: Sources) -> Rewriting | None:
    """Return the rewrite, None for the path as asked for."""
    if not policy["rewrite-target"]:
        return None
    return Rewriting(policy["rewrite-target"], policy["x-forwarded-prefix"])


def makes_patterns(policy: Policy) -> bool:
    """Whether paths are regular expressions: asked for, or implied by rewriting (ingress-nginx' rule)."""
    return bool(policy["use-regex"] or policy["rewrite-target"])
