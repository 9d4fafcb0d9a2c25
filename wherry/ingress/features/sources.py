"""Who may come, by address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.answer import Answer, Asked
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

    def refusals(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say who is refused; of a client that is known, whether it is."""
        denied, allowed = ", ".join(self.denied), ", ".join(self.allowed)
        if asked.client:
            if within(asked.client, self.denied):
                yield Answer(403, f"{asked.client} is in denylist-source-range: {denied}")
            elif self.allowed and not within(asked.client, self.allowed):
                yield Answer(403, f"{asked.client} is not in whitelist-source-range: {allowed}")
            return
        if self.denied:
            yield Answer(403, "denylist-source-range", when=f"the client's address is in {denied}")
        if self.allowed:
            yield Answer(403, "whitelist-source-range", when=f"the client's address is not in {allowed}")


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

    def server_answers(self, asked: Asked) -> Iterator[Answer]:
        """Say who is blocked."""
        networks = ", ".join(self.networks)
        if asked.client and within(asked.client, self.networks):
            yield Answer(403, f"{asked.client} is in block-cidrs of the ConfigMap: {networks}")
        elif self.networks and not asked.client:
            yield Answer(403, "block-cidrs of the ConfigMap", when=f"the client's address is in {networks}")
        for key, words in (("User-Agent", self.agents), ("Referer", self.referers)):
            if words:
                yield Answer(403, "the ConfigMap blocks it", when=f"{key} matches {', '.join(words)}")


def within(client: str, networks: Iterable[str]) -> bool:
    """Whether an address is in one of the networks, which are nginx' words: `all`, or as `ip_network` reads them."""
    address = ip_address(client)
    return any(word == "all" or address in ip_network(word, strict=False) for word in networks)


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
