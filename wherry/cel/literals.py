"""`Object{…}` and `JSONPatch{…}`: the values mutating policies are written with, as maps.

CEL's own literals of messages need to know their types. Those of Kubernetes' objects are known where an object is
written, not where a policy is; so each is written as a map, `dyn({"replicas": 3})`, before it is compiled, and what it
makes is held to its kind's schema afterwards. What can be told from the names alone is told here: that the type of
each is the place it stands at (`Object.spec.template` is what a field `template` of `Object.spec` is set to).

Source: apiserver pkg/cel/mutation (typeresolver.go, jsonpatch.go), pkg/cel/mutation/dynamic/objects.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from wherry.cel.errors import Uncompilable

OBJECT, JSON_PATCH = "Object", "JSONPatch"
PATCH_FIELDS = ("op", "from", "path", "value")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_TOKEN = re.compile(
    r"""(?P<string>[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"{3}(?:\\.|.)*?\"{3}|'{3}(?:\\.|.)*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<space>\s+|//[^\n]*)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*|`[^`\n]*`)
    |(?P<number>[0-9][A-Za-z0-9_.]*)
    |(?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)


class _Token(NamedTuple):
    kind: str
    text: str


@dataclass
class _Frame:
    """What an opening bracket begins: `type` of a literal, "" for anything else; `field` is the one being set."""

    closing: str
    type: str = ""
    field: str = ""
    expects_field: bool = False


@lru_cache(maxsize=1024)
def as_maps(text: str) -> str:
    """Return an expression with its typed literals as maps; raises `Uncompilable` for one of another type's place."""
    return "".join(_Reader([_Token(m.lastgroup or "", m[0]) for m in _TOKEN.finditer(text)]).written())


class _Reader:
    def __init__(self, tokens: list[_Token]):
        self._tokens = tokens
        self._place = 0
        self._frames: list[_Frame] = []

    def written(self) -> Iterator[str]:
        """Yield the expression, piece by piece."""
        before = ""
        while self._place < len(self._tokens):
            token = self._tokens[self._place]
            self._place += 1
            frame = self._frames[-1] if self._frames else None
            if frame is not None and frame.expects_field and token.kind == "name":
                yield self._field(frame, token.text.strip("`"))
            elif token.text in (OBJECT, JSON_PATCH) and before != "." and (type_ := self._literal(token.text)):
                self._check(type_)
                self._frames.append(_Frame("}", type_, expects_field=True))
                yield "dyn({"
            elif token.kind == "mark":
                yield self._mark(frame, token.text)
            else:
                yield token.text
            if token.kind != "space":
                before = token.text

    def _literal(self, root: str) -> str:
        """Return the type of the literal that begins here, and go on behind its brace; "" for no literal."""
        place, names = self._place, [root]
        while (token := self._next(place)) and token[1].text == ".":
            name = self._next(token[0])
            if name is None or name[1].kind != "name":
                return ""
            names.append(name[1].text.strip("`"))
            place = name[0]
        if token is None or token[1].text != "{":
            return ""
        self._place = token[0]
        return ".".join(names)

    def _next(self, place: int) -> tuple[int, _Token] | None:
        """Return the next token from a place that is no space, and the place behind it."""
        while place < len(self._tokens) and self._tokens[place].kind == "space":
            place += 1
        return (place + 1, self._tokens[place]) if place < len(self._tokens) else None

    def _check(self, type_: str) -> None:
        around = next((frame for frame in reversed(self._frames) if frame.type), None)
        if around is None or around.type == JSON_PATCH:
            return
        expected = f"{around.type}.{around.field}"
        if type_ != expected:
            why = f'expected "{expected}", which matches field name path from root Object type'
            raise Uncompilable(f'type mismatch: unexpected type name "{type_}", {why}')

    @staticmethod
    def _field(frame: _Frame, name: str) -> str:
        if frame.type == JSON_PATCH and name not in PATCH_FIELDS:
            raise Uncompilable(f"undefined field '{name}'")
        frame.field, frame.expects_field = name, False
        return json.dumps(name)

    def _mark(self, frame: _Frame | None, mark: str) -> str:
        if mark in _CLOSING:
            self._frames.append(_Frame(_CLOSING[mark]))
        elif frame is not None and mark == frame.closing:
            self._frames.pop()
            return "})" if frame.type else mark
        elif frame is not None and frame.type and mark == ",":
            frame.expects_field = True
        return mark
