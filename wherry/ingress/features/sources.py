"""Who may come, by address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.directive import Line, Text, block, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy


def _annotation(name: str, doc: str) -> Annotation:
    return Annotation(name=name, doc=doc, read=values.networks, default=(), setting=True, restricts=True)


ANNOTATIONS: Final = (
    _annotation("whitelist-source-range", "Only clients of these networks may come, others get 403."),
    _annotation("allowlist-source-range", "The newer name of whitelist-source-range."),
    _annotation("denylist-source-range", "Clients of these networks get 403."),
)

SETTINGS: Final = (
    Setting(name="block-cidrs", read=values.networks, default=(), restricts=True),
    Setting(name="block-user-agents", read=values.patterns, default=(), restricts=True),
    Setting(name="block-referers", read=values.patterns, default=(), restricts=True),
)


@dataclass(frozen=True)
class SourceRanges(Part):
    """Networks: those denied, then those allowed; without any allowed, all others are."""

    denied: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()

    def location(self, at: At) -> Iterator[Line]:
        """Say them in nginx' order: the first that matches decides."""
        for network in self.denied:
            yield line("deny", network)
        for network in self.allowed:
            yield line("allow", network)
        if self.allowed:
            yield line("deny", "all")


@dataclass(frozen=True)
class Blocked(Part):
    """Clients nobody serves: by network, by pattern of User-Agent or Referer (`~` or `~*` first), or by their text."""

    networks: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    referers: tuple[str, ...] = ()

    def http(self) -> Iterator[Line]:
        """Make a variable of each."""
        if self.networks:
            of = (line("default", "0"), *(line(network, "1") for network in self.networks))
            yield block("geo", Text("$remote_addr"), Text("$blocked_source"), of=of)
        for header, words in (("user_agent", self.agents), ("referer", self.referers)):
            if words:
                of = (line("default", "0"), *(line(values.map_key(word), "1") for word in words))
                yield block("map", Text(f"$http_{header}"), Text(f"$blocked_{header}"), of=of)

    def server(self) -> Iterator[Line]:
        """Answer 403."""
        for name, given in (("source", self.networks), ("user_agent", self.agents), ("referer", self.referers)):
            if given:
                yield block("if", Text(f"($blocked_{name})"), of=(line("return", "403"),))


def of(policy: Policy, sources: Sources) -> SourceRanges | None:
    """Return the networks, None for everybody."""
    allowed = policy["allowlist-source-range"] or policy["whitelist-source-range"]
    if policy.says("whitelist-source-range") and not policy.says("allowlist-source-range"):
        allowed = policy["whitelist-source-range"]
    denied = policy["denylist-source-range"]
    return SourceRanges(denied, allowed) if allowed or denied else None


def everywhere(policy: Policy) -> Blocked | None:
    """Return what is blocked for everybody."""
    given = policy["block-cidrs"], policy["block-user-agents"], policy["block-referers"]
    return Blocked(*given) if any(given) else None
