"""template CLASS TYPE [ZONE...]: answers made of the question."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import dns.exception
import dns.rdataclass
import dns.rdatatype

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.metrics import RCODES, Metrics
from wherry.dns.plugins.template.text import Facts, Template
from wherry.dns.query import NOERROR, SERVFAIL, Answer, Handler, Keep, Query, Quiet, follow
from wherry.dns.wire.record import ANY, ANY_CLASS, CNAME, Record, of_text, type_text

MANY = True
"""A server block may have several."""
NOT_HERE = {"var", "expr"}
EDE = 15  # the EDNS option of an extended error (RFC 8914)
MOST_HOPS = 8


@dataclass
class Settings:
    """What the directive asks for. `type` and `cls` may be any."""

    cls: int
    type: int
    zones: tuple[bytes, ...]
    patterns: list[re.Pattern[str]] = field(default_factory=list)
    sections: dict[str, list[Template]] = field(
        default_factory=lambda: {"answer": [], "additional": [], "authority": []}
    )
    rcode: int = NOERROR
    options: bytes = b""
    remote: bool = False
    fallthrough: tuple[bytes, ...] | None = None


class TemplatePlugin(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._environment = environment
        self._metrics: Metrics = environment.metrics
        self.sees_every_query = wanted.remote

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer what matches."""
        wanted = self._settings
        zone = query.zone_of(wanted.zones)
        if zone is None or not self._about(query):
            return await next(query)
        facts = self._facts(query, zone)
        if facts is None:
            if query.falls_through(wanted.fallthrough):
                return await next(query)
            return Answer(SERVFAIL, why="the template's zone, but not its pattern, and no fallthrough")
        self._metrics.template_matches.inc()
        try:
            made = {name: self._records(name, facts) for name in wanted.sections}
        except ValueError as error:
            self._metrics.template_failures.inc()
            return Answer(SERVFAIL, why=f"template: {error}")
        return await self._answer(query, made)

    async def _answer(self, query: Query, made: dict[str, tuple[Record, ...]]) -> Answer:
        answer, wanted = made["answer"], self._settings
        keep: Keep | None = Keep(crowd=True)
        if len(answer) == 1 and answer[0].type == CNAME and query.type not in (CNAME, ANY):
            more, good = await follow(query, answer[0].data, self._environment.resolve, MOST_HOPS)
            answer, keep = (*answer, *more), keep.and_(good) if keep and good else None
        return Answer(
            wanted.rcode, answer, made["authority"], made["additional"], True,
            options=wanted.options, keep=keep, why="a template",
        )  # fmt: skip

    def _about(self, query: Query) -> bool:
        wanted = self._settings
        return wanted.cls in (query.question.cls, ANY_CLASS) and wanted.type in (query.type, ANY)

    def _facts(self, query: Query, zone: bytes) -> Facts | None:
        name = names.text(query.name)
        for pattern in self._settings.patterns:
            found = pattern.search(name)
            if found:
                fields = {
                    "Name": name,
                    "Zone": names.text(zone),
                    "Type": type_text(query.type),
                    "Class": dns.rdataclass.to_text(dns.rdataclass.RdataClass.make(query.question.cls)),
                    "Remote": query.client,
                }
                return Facts(fields, (found[0], *found.groups(default="")), found.groupdict(default=""))
        return None

    def _records(self, section: str, facts: Facts) -> tuple[Record, ...]:
        return tuple(of_text(template.fill(facts)) for template in self._settings.sections[section])


def _read(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "match", patterns if patterns:
            result.patterns += [_pattern(pattern, option, directive) for pattern in patterns]
        case ("answer" | "additional" | "authority") as section, words if words:
            try:
                result.sections[section].append(Template(" ".join(words)))
            except ValueError as error:
                raise directive.error(f"{option.at}: {error}") from error
            result.remote = result.remote or ".Remote" in " ".join(words)
        case "rcode", (code,) if code in RCODES:
            result.rcode = RCODES.index(code)
        case "ederror", (code, *reason) if code.isdigit():
            data = int(code).to_bytes(2, "big") + " ".join(reason).encode()
            result.options = EDE.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data
        case "fallthrough", zones:
            result.fallthrough = directive.zones(zones or (".",))
        case "upstream", _:
            pass  # aliases are always followed; CoreDNS takes the word and does nothing, too
        case name, _ if name in NOT_HERE:
            raise directive.error(f"{option.at}: the option {name} is not supported")
        case _:
            raise directive.unknown(option)


def _pattern(text: str, option: Option, directive: Directive) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise directive.error(f"{option.at}: {text} is no regular expression: {error}") from error


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> TemplatePlugin:
    """Make the plugin."""
    if len(directive.args) < 2:
        raise directive.error("needs a class and a type")
    cls, type, *zones = directive.args
    try:
        numbers = dns.rdataclass.from_text(cls), dns.rdatatype.from_text(type)
    except (dns.exception.DNSException, ValueError) as error:
        raise directive.error(f"{cls} {type} is no class and type") from error
    result = Settings(int(numbers[0]), int(numbers[1]), directive.zones(zones) or block.zones())
    for option in directive.options:
        _read(option, directive, result)
    result.patterns = result.patterns or [re.compile(".*")]
    return TemplatePlugin(result, environment)
