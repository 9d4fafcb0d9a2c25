"""Answers made smaller for the client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Setting
from wherry.ingress.features.directive import Line, flag, line
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy

TYPES: Final = tuple(
    f"{kind}/{name}"
    for kind, names in {
        "application": "atom+xml javascript x-javascript json rss+xml vnd.ms-fontobject x-font-ttf "
        "x-web-app-manifest+json xhtml+xml xml",
        "font": "opentype",
        "image": "svg+xml x-icon",
        "text": "css javascript plain x-component",
    }.items()
    for name in names.split()
)


def _types(text: str) -> tuple[str, ...]:
    read = values.pattern(r"\*|[a-z]+/[A-Za-z0-9\-.+]+", "media types with blanks between them")
    return tuple(read(word) for word in text.split()) or TYPES


def _clients(text: str) -> str:
    """Read a pattern for the User-Agent of who is not to get gzip; nginx has its own for the word msie6."""
    if not text:
        return ""
    found = values.patterns(f"~{text}")
    if len(found) > 1:
        raise values.BadValue("expected one pattern, without commas")
    return found[0].removeprefix("~")


SETTINGS: Final = (
    Setting(name="gzip-disable", read=_clients, default=""),
    Setting(name="use-gzip", read=values.boolean, default=False),
    Setting(name="gzip-level", read=values.integer(1, 9), default=1),
    Setting(name="gzip-min-length", read=values.integer(0, 99_999_999), default=256),
    Setting(name="gzip-types", read=_types, default=TYPES),
)


@dataclass(frozen=True)
class Compression(Part):
    """gzip, for answers of some types from a length in bytes on."""

    level: int = 1
    least: int = 256
    types: tuple[str, ...] = TYPES
    without: str = ""
    """A pattern: clients whose User-Agent matches it get none."""

    def http(self) -> Iterator[Line]:
        """Say it once, for all."""
        yield line("gzip", flag(True))
        yield line("gzip_comp_level", str(self.level))
        yield line("gzip_http_version", "1.1")
        yield line("gzip_min_length", str(self.least))
        yield line("gzip_types", *self.types)
        yield line("gzip_proxied", "any")
        yield line("gzip_vary", flag(True))
        if self.without:
            yield line("gzip_disable", self.without)


def everywhere(policy: Policy) -> Compression | None:
    """Return how answers are made smaller, None where they are not."""
    if not policy["use-gzip"]:
        return None
    return Compression(policy["gzip-level"], policy["gzip-min-length"], policy["gzip-types"], policy["gzip-disable"])
