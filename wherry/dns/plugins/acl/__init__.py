"""acl [ZONES...]: who may ask for what."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import dns.rdatatype

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.metrics import Metrics
from wherry.dns.query import NOERROR, REFUSED, Answer, Handler, Query, Quiet

ACTIONS = ("allow", "block", "filter", "drop")
Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """`types` and `networks` empty: all."""

    action: str
    types: frozenset[int]
    networks: Networks

    def matches(self, query: Query) -> bool:
        """Whether the rule is about a query."""
        if self.types and query.type not in self.types:
            return False
        return not self.networks or _within(query.client, self.networks)


@lru_cache(maxsize=4096)
def _within(client: str, networks: Networks) -> bool:
    address = ip_address(client.partition("%")[0])
    return any(address in network for network in networks if network.version == address.version)


class Acl(Quiet):
    """The plugin: the first rule that matches decides, and where none does the query is allowed."""

    sees_every_query = True  # what one client may not ask, another may

    def __init__(self, zones: tuple[bytes, ...], rules: tuple[Rule, ...], metrics: Metrics):
        self._zones = zones
        self._rules = rules
        self._metrics = metrics

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Let the query pass, or not."""
        zone = query.zone_of(self._zones)
        if zone is None:
            return await next(query)
        action = "allow"
        for rule in self._rules:
            if rule.matches(query):
                action = rule.action
                break
        self._metrics.acl[action].labels("", names.text(zone), "").inc()
        match action:
            case "block":
                return Answer(REFUSED, why=f"acl blocks {query.client}")
            case "filter":
                return Answer(NOERROR, why=f"acl filters {query.client}")
            case "drop":
                return Answer(None, why=f"acl drops what {query.client} sends")
        return await next(query)


def _rule(option: Option, directive: Directive) -> Rule:
    """Read `ACTION [type QTYPE...] [net SOURCE...]`."""
    if option.name not in ACTIONS:
        raise directive.unknown(option)
    words: dict[str, list[str]] = {"type": [], "net": []}
    current = ""
    for word in option.args:
        if word in words:
            current = word
        elif current:
            words[current].append(word)
        else:
            raise directive.unknown(option)
    try:
        types = [] if "*" in words["type"] else [dns.rdatatype.from_text(word) for word in words["type"]]
        networks = [] if "*" in words["net"] else [ip_network(word, strict=False) for word in words["net"]]
    except (ValueError, dns.exception.DNSException) as error:
        raise directive.error(f"{option.at}: {error}") from error
    return Rule(option.name, frozenset(map(int, types)), tuple(networks))


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Acl:
    """Make the plugin."""
    rules = tuple(_rule(option, directive) for option in directive.options)
    return Acl(directive.zones(directive.args) or block.zones(), rules, environment.metrics)


MANY = True
"""A server block may have several."""
