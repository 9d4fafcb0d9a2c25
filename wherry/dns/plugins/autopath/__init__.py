"""autopath [ZONES...] RESOLV-CONF|@kubernetes: walks the search path for the client, in one round trip.

A pod asks for a name with the first domain of its search path behind it. Where that does not exist, we look below the
other domains and at the name itself, and answer with what is found first, under an alias.
"""

from __future__ import annotations

from pathlib import Path

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.errors import CorefileError
from wherry.dns.query import NOERROR, NXDOMAIN, Answer, Handler, Keep, Query, Quiet
from wherry.dns.wire.record import CNAME, Record


class AutoPath(Quiet):
    """The plugin. `search` None: the block's other plugins know the client's search path (`Plugin.searches`)."""

    def __init__(self, zones: tuple[bytes, ...], search: list[bytes] | None, environment: Environment):
        self._zones = zones
        self._search = search
        self._environment = environment
        self.sees_every_query = search is None  # each client has its own search path

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Walk the search path of who asks, if this is its first domain."""
        search = self._search if self._search is not None else self._of(query.client)
        if not search or query.zone_of(self._zones) is None or search[0] not in query.above[1:]:
            return await next(query)
        base = query.name[: -len(search[0])] if search[0] != names.ROOT else query.name[:-1]
        first = await next(query)
        if first.rcode != NXDOMAIN:
            return first
        keep = first.keep
        for domain in search[1:]:
            target = base + domain
            if len(target) > names.LONGEST:
                continue
            answer = await next(query.about(target))
            keep = keep.and_(answer.keep) if keep else None
            if answer.rcode == NOERROR:
                return self._under_alias(query, target, answer, keep)
        return first

    def _under_alias(self, query: Query, target: bytes, answer: Answer, keep: Keep | None) -> Answer:
        if not answer.answer:
            return answer._replace(keep=keep)
        self._environment.metrics.autopath.inc()
        alias = Record(query.name, CNAME, min(r.ttl for r in answer.answer), target)
        why = f"autopath: {names.text(target)}: {answer.why}"
        return answer._replace(answer=(alias, *answer.answer), keep=keep, why=why)

    def _of(self, client: str) -> list[bytes] | None:
        for plugin in self._environment.plugins.values():
            found = plugin.searches(client)
            if found:
                return found
        return None


def search_of(path: Path, directive: Directive) -> list[bytes]:
    """Return the search path of a resolv.conf, the root last; raises CorefileError."""
    try:
        lines = [line.split() for line in path.read_text(errors="replace").splitlines()]
    except OSError as error:
        raise directive.error(f"{path}: {error.strerror}") from error
    found = [words[1:] for words in lines if words[:1] in (["search"], ["domain"])]
    try:
        return [*(names.of_text(word) for word in (found[-1] if found else ())), names.ROOT]
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
    others = [d for d in block.directives if d.name == "kubernetes"]
    if not any((o.name, o.args) == ("pods", ("verified",)) for d in others for o in d.options):
        raise directive.error("@kubernetes needs the plugin kubernetes with `pods verified` in the same block")


MANY = True
"""A server block may have several."""
