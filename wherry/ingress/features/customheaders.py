"""Headers that ConfigMaps list: for answers (custom-headers, add-headers), for endpoints (proxy-set-headers).

What an Ingress adds to answers is told to Lua: it changes without a reload.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Setting
from wherry.ingress.features.basicauth import own
from wherry.ingress.features.directive import Line, Text, block, line
from wherry.ingress.features.part import At, Closed, Part, Sources
from wherry.ingress.features.policy import Policy

Headers = tuple[tuple[str, str], ...]

_LABEL: Final = r"[a-z0-9]([a-z0-9\-.]{0,251}[a-z0-9])?"
_REFERENCE: Final = values.pattern(rf"({_LABEL}/)?{_LABEL}", "the name of a ConfigMap, such as namespace/name")
_REFERENCE_IN_FULL: Final = values.pattern(rf"|{_LABEL}/{_LABEL}", "a ConfigMap's namespace/name")
_VALUE: Final = re.compile(r"([A-Za-z0-9 \-._~:/?#@!&'()*+,;=%<>|\[\]^\"`]|\$[a-z][a-z0-9_]*){0,2048}", re.ASCII)
_PIECE: Final = re.compile(r"\$([a-z][a-z0-9_]*)|([^$]+)")


def read_headers(data: Mapping[str, str]) -> Headers:
    """Read headers and their values, in which variables of nginx may stand; raises `BadValue`."""
    for name, value in data.items():
        values.header(name)
        if not _VALUE.fullmatch(value):
            raise values.BadValue(f"expected text and variables of nginx as the value of {name}")
    return tuple(sorted(data.items()))


ANNOTATIONS: Final = (
    Annotation(
        name="custom-headers",
        risk=Risk.MEDIUM,
        doc="A ConfigMap of the Ingress' own namespace whose entries are headers of answers; each must be among the "
        "controller's global-allowed-response-headers, or the paths answer 503.",
        read=_REFERENCE,
        default="",
        restricts=True,
    ),
)

SETTINGS: Final = (
    Setting(name="global-allowed-response-headers", read=values.tokens, default=()),
    Setting(name="add-headers", read=_REFERENCE_IN_FULL, default=(), contents=read_headers),
    Setting(name="proxy-set-headers", read=_REFERENCE_IN_FULL, default=(), contents=read_headers),
)


@dataclass(frozen=True)
class CustomHeaders(Part):
    """Headers of the answers of some locations, over the endpoint's own."""

    added: Headers

    def data(self, at: At) -> Mapping[str, Any]:
        """Tell Lua."""
        return {"headers": [{"name": name, "value": _pieces(value)} for name, value in self.added]}


@dataclass(frozen=True)
class CommonHeaders(Part):
    """Headers of everybody's answers, and those that everybody's endpoints get. Lua reads `$added_header_N`."""

    added: Headers = ()
    sent: Headers = ()

    def http(self) -> Iterator[Line]:
        """Make a variable for each header of answers."""
        for number, (_, value) in enumerate(self.added):
            of = (line("default", Text(value)),)
            yield block("map", "", Text(f"$added_header_{number}"), of=of)

    def headers(self) -> Mapping[str, Text]:
        """Send the others to the endpoints."""
        return {name: Text(value) for name, value in self.sent}


def _pieces(value: str) -> list[dict[str, str]]:
    return [{"variable": name} if name else {"text": text} for name, text in _PIECE.findall(value)]


def of(policy: Policy, sources: Sources) -> CustomHeaders | None:
    """Return the headers of an Ingress' answers; raises `Closed`, as upstream denies the location."""
    if not policy["custom-headers"]:
        return None
    added = named(policy["custom-headers"], sources, "custom-headers")
    allowed = {name.lower() for name in policy["global-allowed-response-headers"]}
    for name, _ in added:
        if name.lower() not in allowed:
            raise Closed(f"custom-headers: {name} is not among the ConfigMap's global-allowed-response-headers")
    return CustomHeaders(added)


def named(reference: str, sources: Sources, annotation: str) -> Headers:
    """Return the headers of a ConfigMap of the Ingress' own namespace; raises `Closed`."""
    name = own(reference, sources, annotation)
    config_map = sources.config_map(name)
    if config_map is None:
        why = f"ConfigMap {sources.namespace}/{name} of {annotation} does not exist, or may not be read"
        raise Closed(why, "ConfigMap")
    try:
        return read_headers(config_map.get("data") or {})
    except values.BadValue as error:
        raise Closed(f"ConfigMap {sources.namespace}/{name} of {annotation}: {error}") from error


def everywhere(policy: Policy) -> CommonHeaders:
    """Return everybody's headers."""
    return CommonHeaders(policy["add-headers"], policy["proxy-set-headers"])
