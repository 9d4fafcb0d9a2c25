"""A reader of nginx.conf that shares nothing with the code that writes it: what nginx itself would see.

Follows nginx' documented syntax: tokens, quoted strings with backslashes, `;`, blocks, comments; `*_by_lua_block`
bodies by balanced braces. Raises `ValueError` for text nginx would not read.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Directive:
    words: list[str]
    block: list[Directive] | None = None
    lua: str = ""

    def all(self) -> list[Directive]:
        return [self] + [d for b in self.block or [] for d in b.all()]

    def find(self, name: str) -> list[Directive]:
        return [d for d in self.block or [] if d.words[0] == name]


@dataclass
class _Reader:
    text: str
    at: int = 0
    stack: list[list[Directive]] = field(default_factory=list)

    def block(self, top: bool) -> list[Directive]:
        found: list[Directive] = []
        words: list[str] = []
        while True:
            token = self._token()
            if token is None or token == (False, "}"):
                if words or (token is None) != top:
                    raise ValueError("unexpected end")
                return found
            quoted, word = token
            if not quoted and word == ";":
                if not words:
                    raise ValueError("empty directive")
                found.append(Directive(words))
                words = []
            elif not quoted and word == "{":
                if words[0].endswith("_by_lua_block"):
                    found.append(Directive(words, lua=self._lua()))
                else:
                    found.append(Directive(words, self.block(False)))
                words = []
            else:
                words.append(word)

    def _token(self) -> tuple[bool, str] | None:
        while self.at < len(self.text) and (self.text[self.at].isspace() or self.text[self.at] == "#"):
            if self.text[self.at] == "#":
                self.at = self.text.find("\n", self.at) % (len(self.text) + 1)
            else:
                self.at += 1
        if self.at >= len(self.text):
            return None
        first = self.text[self.at]
        if first in ";{}":
            self.at += 1
            return False, first
        return self._quoted(first) if first in "\"'" else (False, self._bare())

    def _quoted(self, mark: str) -> tuple[bool, str]:
        self.at += 1
        word = ""
        while self.text[self.at] != mark:
            if self.text[self.at] == "\\" and self.text[self.at + 1] in "\"'\\":
                self.at += 1
            elif self.text[self.at] == "\\" and self.text[self.at + 1] in "trn":
                raise ValueError("an escape that makes a control character")
            word += self.text[self.at]
            self.at += 1
        self.at += 1
        if not (self.text[self.at].isspace() or self.text[self.at] in ";{)"):
            raise ValueError("text right after a string")
        return True, word

    def _bare(self) -> str:
        start = self.at
        while not (self.text[self.at].isspace() or self.text[self.at] in ";{"):
            self.at += 2 if self.text[self.at] == "\\" else 1
        return self.text[start : self.at]

    def _lua(self) -> str:
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.text[self.at], 0)
            self.at += 1
        return self.text[start : self.at - 1]


def parse(text: str) -> Directive:
    """Return the whole file as one directive with a block."""
    return Directive(["main"], _Reader(text).block(True))
