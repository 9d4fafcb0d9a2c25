"""The templates of records: what of Go's text/template Corefiles use.

`{{ .Name }}`, `.Zone`, `.Type`, `.Class`, `.Remote`; `{{ .Group.NAME }}`, `{{ index .Match N }}` and
`{{ index .Group "NAME" }}`; `{{ parseInt VALUE BASE BITS }}`, and `| parseInt BASE BITS` behind another. Anything else
is refused when the Corefile is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
WORD = re.compile(r'"[^"]*"|\S+')


class Facts(NamedTuple):
    """What a template may name."""

    fields: Mapping[str, str]
    match: tuple[str, ...]
    group: Mapping[str, str]


Part = Callable[[Facts], str]


class Template:
    """A text with actions; raises ValueError for an action we do not have."""

    def __init__(self, text: str):
        self._parts: list[Part] = []
        end = 0
        for found in ACTION.finditer(text):
            self._parts.append(_literal(text[end : found.start()]))
            self._parts.append(_action(found[1]))
            end = found.end()
        self._parts.append(_literal(text[end:]))

    def fill(self, facts: Facts) -> str:
        """Return the text for a query; raises ValueError for what cannot be worked out."""
        return "".join(part(facts) for part in self._parts)


def _literal(text: str) -> Part:
    return lambda facts: text


def _action(text: str) -> Part:
    words = WORD.findall(text)
    match words:
        case [field] if field in (".Name", ".Zone", ".Type", ".Class", ".Remote"):
            return lambda facts: facts.fields[field[1:]]
        case [field] if re.fullmatch(r"\.Group\.\w+", field):
            return lambda facts: facts.group.get(field.removeprefix(".Group."), "")
        case ["index", ".Match", number] if number.isdigit():
            return lambda facts: facts.match[int(number)] if int(number) < len(facts.match) else _wrong(text)
        case ["index", ".Group", name] if name.startswith('"'):
            return lambda facts: facts.group.get(name.strip('"'), "")
        case ["parseInt", value, base, bits] if base.isdigit() and bits.isdigit():
            inner = _action(value) if value.startswith(".") else _literal(value.strip('"'))
            return lambda facts: str(int(inner(facts), int(base)))
        case [*before, "|", "parseInt", base, bits] if before and base.isdigit() and bits.isdigit():
            first = _action(" ".join(before))
            return lambda facts: str(int(first(facts), int(base)))
    raise ValueError(f"{{{{ {text} }}}} is not supported")


def _wrong(text: str) -> str:
    raise ValueError(f"{{{{ {text} }}}}: there is no such group")
