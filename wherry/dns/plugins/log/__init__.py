"""log [NAMES...] [FORMAT]: logs queries with their answers' codes and the time they took."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.metrics import rcode_label
from wherry.dns.query import NOERROR, NXDOMAIN, Answer, Handler, Query, Quiet
from wherry.dns.wire.record import type_text

log = logging.getLogger(__name__)

COMMON = (
    '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" '
    "{rcode} {>rflags} {rsize} {duration}"
)
COMBINED = COMMON.replace('"{type}', '{>opcode} "{type}')
CLASSES = ("success", "denial", "error", "all")
PLACE = re.compile(r"\{([^{}]+)\}")
CLASS_NAMES = {1: "IN", 3: "CH", 4: "HS", 255: "ANY"}


@dataclass(frozen=True, slots=True)
class _Event:
    query: Query
    answer: Answer
    size: int
    flags: int
    seconds: float


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _flags(event: _Event) -> str:
    words = {0x8000: "qr", 0x0400: "aa", 0x0200: "tc", 0x0100: "rd", 0x0080: "ra", 0x0020: "ad", 0x0010: "cd"}
    return ",".join(word for bit, word in words.items() if event.flags & bit)


PLACES: dict[str, Callable[[_Event], object]] = {
    "type": lambda e: type_text(e.query.type),
    "name": lambda e: names.text(e.query.name),
    "class": lambda e: CLASS_NAMES.get(e.query.question.cls, f"CLASS{e.query.question.cls}"),
    "proto": lambda e: e.query.transport,
    "remote": lambda e: _bracketed(e.query.client),
    "local": lambda e: "-",
    "port": lambda e: e.query.port,
    "size": lambda e: len(e.query.data),
    "duration": lambda e: f"{e.seconds:.9f}s",
    "rcode": lambda e: rcode_label(e.answer.rcode) if e.answer.rcode is not None else "-",
    "rsize": lambda e: e.size,
    ">rflags": _flags,
    ">bufsize": lambda e: e.query.question.edns.payload if e.query.question.edns else 512,
    ">do": lambda e: str(bool(e.query.question.edns and e.query.question.edns.dnssec)).lower(),
    ">id": lambda e: int.from_bytes(e.query.data[:2], "big"),
    ">opcode": lambda e: e.query.question.flags >> 11 & 0xF,
}


@dataclass
class Log(Quiet):
    """The plugin. `classes` empty: all."""

    zones: tuple[bytes, ...]
    format: str
    classes: frozenset[str]

    sees_every_query = True

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Log once the answer is there."""
        start = time.perf_counter()
        answer = await next(query)
        if query.zone_of(self.zones) is None or (self.classes and _class(answer) not in self.classes):
            return answer
        wire = query.render(answer).whole() if answer.rcode is not None else bytes(2)
        flags = int.from_bytes(wire[:2], "big")
        event = _Event(query, answer, len(wire) + 2, flags, time.perf_counter() - start)
        log.info("%s", PLACE.sub(lambda m: str(PLACES[m[1]](event)) if m[1] in PLACES else "-", self.format))
        return answer


def _class(answer: Answer) -> str:
    if answer.rcode == NXDOMAIN or (answer.rcode == NOERROR and not answer.answer):
        return "denial"
    return "success" if answer.rcode == NOERROR else "error"


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Log:
    """Make the plugin."""
    words = list(directive.args)
    format = words.pop() if words and "{" in words[-1] else COMMON
    format = format.replace("{common}", COMMON).replace("{combined}", COMBINED)
    for place in PLACE.findall(format):
        if place not in PLACES and not place.startswith("/"):
            raise directive.error(f"{{{place}}} is nothing that can be logged; known are {' '.join(sorted(PLACES))}")
    classes: set[str] = set()
    for option in directive.options:
        if option.name != "class" or not option.args or not set(option.args) <= set(CLASSES):
            raise directive.unknown(option)
        classes |= set(option.args)
    return Log(directive.zones(words) or (names.ROOT,), format, frozenset(() if "all" in classes else classes))


MANY = True
"""A server block may have several."""
