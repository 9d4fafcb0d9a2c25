"""autopath [ZONES...] RESOLV-CONF|@kubernetes: walks the search path for the client, in one round trip.

A pod asks for a name with the first domain of its search path behind it. Where that does not exist, we look below the
other domains and at the name itself, and answer with what is found first, under an alias.
"""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.errors import CorefileError
from wherry.dns.query import NOERROR, NXDOMAIN, Answer, Handler, Keep, Plugin, Query, Quiet, SearchPath, Verdict
from wherry.dns.wire.record import CNAME, Record


class AutoPath(Quiet):
    """The plugin. `search` None: the block's other plugins know the client's search path (`Plugin.searches`)."""

    def __init__(self, zones: tuple[bytes, ...], search: SearchPath | None, environment: Environment):
        self._zones = zones
        self._search = search
        self._environment = environment
        self.asks_searches = search is None

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Walk the search path of who asks, if this is its first domain."""
        first = await next(query)
        if first.rcode != NXDOMAIN or query.zone_of(self._zones) is None:
            return first
        if self._search is not None:
            return await self._walk(query, self._search, first, next) if _begins(self._search, query) else first
        if not any(p.begins_search(domain) for domain in query.above[1:] for p in self._knowing):
            return first
        search = self._search_of(query.client)
        walked = search if search and _begins(search, query) else None
        answer = await self._walk(query, walked, first, next) if walked else first
        if answer.keep is None:
            return answer
        return answer._replace(keep=answer.keep._replace(gate=partial(self._again, query, walked)))

    def _again(self, query: Query, walked: SearchPath | None, client: str) -> Verdict:
        """Say whether a kept answer, for which `walked` was walked, is one for a client."""
        search = self._search_of(client)
        if walked is None:
            return Verdict.ASK if search and _begins(search, query) else Verdict.SEND
        return Verdict.SEND if search == walked else Verdict.ASK

    async def _walk(self, query: Query, search: SearchPath, first: Answer, next: Handler) -> Answer:
        base = query.name[: -len(search[0])] if search[0] != names.ROOT else query.name[:-1]
        keep = first.keep
        for domain in search[1:]:
            target = base + domain
            if len(target) > names.LONGEST:
                continue
            answer = await next(query.about(target))
            if answer.rcode == NOERROR:
                good = answer.keep and answer.keep.while_(keep)
                return self._under_alias(query, target, answer, good)
            keep = keep and keep.while_(answer.keep)
        return first._replace(keep=keep)

    def _under_alias(self, query: Query, target: bytes, answer: Answer, keep: Keep | None) -> Answer:
        if not answer.answer:
            return answer._replace(keep=keep)
        self._environment.metrics.autopath.inc()
        alias = Record(query.name, CNAME, min(r.ttl for r in answer.answer), target)
        why = f"autopath: {names.text(target)}: {answer.why}"
        return answer._replace(answer=(alias, *answer.answer), keep=keep, why=why)

    @cached_property
    def _knowing(self) -> list[Plugin]:
        """The block's plugins that know search paths."""
        return [p for p in self._environment.plugins.values() if type(p).searches is not Quiet.searches]

    def _search_of(self, client: str) -> SearchPath | None:
        for plugin in self._knowing:
            found = plugin.searches(client)
            if found:
                return found
        return None


def _begins(search: SearchPath, query: Query) -> bool:
    """Whether a name is one below the first domain of a search path."""
    return search[0] in query.above[1:]


def search_of(path: Path, directive: Directive) -> SearchPath:
    """Return the search path of a resolv.conf, the root last; raises CorefileError."""
    try:
        lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    except OSError as error:
        raise directive.error(f"{path}: {error.strerror}") from error
    found = [words[1:] for words in lines if words[:1] in (["search"], ["domain"])]
    try:
        return (*(names.of_text(word) for word in (found[-1] if found else ())), names.ROOT)
    except CorefileError as error:
        raise directive.error(f"{path}: {error}") from error


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> AutoPath:
    """Make the plugin."""
    if not directive.args or directive.options:
        raise directive.error("needs a file like /etc/resolv.conf, or @kubernetes")
    *zones, source = directive.args
    search = None if source.startswith("@") else search_of(Path(source), directive)
    if search is None:
        _check(source, directive, block)
    return AutoPath(directive.zones(zones) or block.zones(), search, environment)


def _check(source: str, directive: Directive, block: ServerBlock) -> None:
    if source != "@kubernetes":
        raise directive.error(f"{source} knows no search path; @kubernetes does")
    if not any(d.name == "kubernetes" for d in block.directives):
        raise directive.error("@kubernetes needs the plugin kubernetes in the same block")


MANY = True
"""A server block may have several."""
