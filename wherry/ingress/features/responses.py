"""What is changed in an endpoint's answer: its redirects, its cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Reader, Risk
from wherry.ingress.features.directive import Line, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_WORD: Final = r"[A-Za-z0-9\-._~:/?@!&*+,=%]{1,512}"


def _pair(text: str) -> tuple[str, ...]:
    words = tuple(text.split())
    if words == ("off",):
        return ()
    if len(words) != 2 or not all(re.fullmatch(_WORD, word, re.ASCII) for word in words):
        raise values.BadValue("expected off, or two words: what is replaced, and by what")
    return words


_PLACE: Final = values.pattern(rf"|off|default|{_WORD}", "a URL, or off")


def _annotation(name: str, doc: str, read: Reader, default: object) -> Annotation:
    return Annotation(name=name, risk=Risk.MEDIUM, doc=doc, read=read, default=default, setting=True)


ANNOTATIONS: Final = (
    _annotation("proxy-redirect-from", "This beginning of an endpoint's Location is replaced.", _PLACE, "off"),
    _annotation("proxy-redirect-to", "By this.", _PLACE, "off"),
    _annotation("proxy-cookie-domain", "Two words: a cookie's domain, and what takes its place.", _pair, ()),
    _annotation("proxy-cookie-path", "Two words: a cookie's path, and what takes its place.", _pair, ()),
)


@dataclass(frozen=True)
class Responses(Part):
    """Pairs of what is replaced, and by what; empty for nothing."""

    redirect: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    path: tuple[str, ...] = ()

    def location(self, at: At) -> Iterator[Line]:
        """Say them."""
        for directive, words in (
            ("redirect", self.redirect),
            ("cookie_domain", self.domain),
            ("cookie_path", self.path),
        ):
            if words:
                yield line(f"proxy_{directive}", *words)


def of(policy: Policy, sources: Sources) -> Responses | None:
    """Return the replacements, None without any."""
    pair = policy["proxy-redirect-from"], policy["proxy-redirect-to"]
    redirect = pair if not {"", "off", "default"} & set(pair) else ()
    made = Responses(redirect, policy["proxy-cookie-domain"], policy["proxy-cookie-path"])
    return made if made != Responses() else None
