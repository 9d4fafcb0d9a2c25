"""The WWW-Authenticate header of a 401. Pure. Source: RFC 9110 section 11, distribution/docs/spec/auth/token.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}[^\s,]*))\s*(?:,|$)')
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")
LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way of saying who one is: `scheme` in lower case (basic, bearer)."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse(headers: Sequence[str]) -> list[Challenge]:
    """Return the challenges of the WWW-Authenticate headers; what cannot be read is left out."""
    found = []
    for text in headers:
        rest = text[:LONGEST]
        while match := _SCHEME.match(rest):
            scheme, rest = match[1].lower(), rest[match.end() :]
            parameters = {}
            while parameter := _PARAMETER.match(rest):
                quoted, plain = parameter[2], parameter[3]
                parameters[parameter[1].lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                rest = rest[parameter.end() :]
            found.append(Challenge(scheme, parameters))
    return found
