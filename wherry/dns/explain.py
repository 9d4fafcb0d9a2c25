"""What would be answered, and why: `wherry dns query` and `wherry trace`.

The Corefile is loaded as for serving, but nothing listens: the query goes through the chain from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import dns.exception
import dns.rdatatype

from wherry.client.interface import Client
from wherry.dns import names
from wherry.dns.chain import Chain
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics, rcode_label
from wherry.dns.query import NXDOMAIN, Answer, Handler, Plugin, Query, Quiet, refuse
from wherry.dns.wire.record import Record, data_text, type_text

SYNC_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was put: its name, what was answered (a code, `NOERROR` say), and `lines` that say why.

    `records` are those of the answer, as text; `addresses` those among them that are of the type asked for.
    """

    name: str
    code: str
    lines: tuple[str, ...]
    records: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


async def explain(
    config: DnsConfig, connect: Callable[[], Client], name: str, type: str, client: str, search: list[str]
) -> list[str]:
    """Return lines that say what is answered to a client (an address) for a name, with each of `search` behind it.

    Raises as `ask` does.
    """
    asked = await ask(config, connect, name, type, client, search)
    return [line for one in asked for line in one.lines]


async def ask(
    config: DnsConfig,
    connect: Callable[[], Client],
    name: str,
    type: str,
    client: str,
    search: Sequence[str],
    dots: int = 5,
) -> list[Asked]:
    """Return the questions a resolver puts until one is answered, `dots` being its `ndots`.

    Raises CorefileError for what is no Corefile, name or type, ConfigError when the API cannot be found, TimeoutError
    when it does not answer.
    """
    number = _type(type)
    instance = Instance(config, connect, Metrics(), lambda: None)
    following = [p for p in instance.plugins if not p.is_ready()]
    try:
        for plugin in following:
            await plugin.start()
        async with asyncio.timeout(SYNC_SECONDS):
            await asyncio.gather(*(plugin.ready() for plugin in following))
        asked: list[Asked] = []
        for full in _tried(name, search, dots):
            query = Query.ask(full, number, client)
            answer, lines = await _ask(instance, query)
            asked.append(_asked(query, answer, lines))
            if answer.rcode != NXDOMAIN:
                break
        return asked
    finally:
        for plugin in following:
            await plugin.stop()


def _asked(query: Query, answer: Answer, lines: list[str]) -> Asked:
    addresses = (data_text(record) for record in answer.answer if record.type == query.type)
    records = tuple(map(_text, answer.answer))
    return Asked(names.text(query.name), _code(answer), tuple(lines), records, tuple(addresses))


def _code(answer: Answer) -> str:
    return "no answer at all" if answer.rcode is None else rcode_label(answer.rcode)


def _type(text: str) -> int:
    try:
        return int(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError) as error:
        raise CorefileError(f"{text} is no type of record") from error


def _tried(name: str, search: Sequence[str], dots: int) -> list[str]:
    """Return the names a resolver asks for, `dots` being its `ndots` (resolv.conf(5))."""
    if name.endswith("."):
        return [name]
    longer = [f"{name}.{domain.strip('.')}." for domain in search]
    return [*longer, f"{name}."] if name.count(".") < dots else [f"{name}.", *longer]


async def _ask(instance: Instance, query: Query) -> tuple[Answer, list[str]]:
    zone, chain = _chain(instance, query)
    if chain is None:
        return await refuse(query), [f"{query}: REFUSED: no server block has a zone this name is in"]
    passed: list[str] = []
    handle: Handler = refuse
    for name, plugin in reversed(list(chain.plugins.items())):
        if type(plugin).serve is not Quiet.serve:
            handle = partial(_watched, name, plugin, handle, passed)
    answer = await handle(query)
    lines = [f"{query}: {_code(answer)}", f"  server block: {chain.block.at}, zone {names.text(zone)}"]
    lines += [f"  plugins: {' > '.join(passed)}"]
    if answer.why:
        lines.append(f"  because: {answer.why}")
    return answer, [*lines, *(f"  {line}" for line in _records(answer))]


def _chain(instance: Instance, query: Query) -> tuple[bytes, Chain | None]:
    for name in query.above:
        for chain in instance.chains:
            if name in chain.block.zones():
                return name, chain
    return b"", None


async def _watched(name: str, plugin: Plugin, next: Handler, passed: list[str], query: Query) -> Answer:
    passed.append(name)
    return await plugin.serve(query, next)


def _records(answer: Answer) -> Iterator[str]:
    sections = ("", answer.answer), ("authority: ", answer.authority), ("additional: ", answer.additional)
    for what, records in sections:
        for record in records:
            yield what + _text(record)


def _text(record: Record) -> str:
    return f"{names.text(record.name)} {record.ttl} {type_text(record.type)} {data_text(record)}"
