"""The Corefile: server blocks of plugin directives (grammar: CoreDNS manual, "Configuration").

.:53 {                       a server block: zones with an optional scheme and port
    kubernetes cluster.local {   a directive: name, arguments, and perhaps a block
        ttl 30                       of options, each a name and arguments
    }
    {$NAME}                  is replaced by the environment variable NAME
}
(name) { … }                 is a snippet that `import name` puts in
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import dns.name

from wherry.dns import zones
from wherry.dns.errors import CorefileError

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]\S*|\n')
VARIABLE = re.compile(r"\{\$(\w+)\}|\{%(\w+)%\}")
DEFAULT_PORT = 53


@dataclass(frozen=True, slots=True)
class Option:
    """One line inside a directive's block."""

    name: str
    args: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Directive:
    """One plugin's configuration."""

    name: str
    args: tuple[str, ...]
    options: tuple[Option, ...]
    line: int

    def error(self, why: str) -> CorefileError:
        """Return an error that points here."""
        return CorefileError(f"Corefile line {self.line}: {self.name}: {why}")

    def zones(self, texts: Iterable[str]) -> tuple[dns.name.Name, ...]:
        """Return the zones some of its words stand for; raises CorefileError."""
        try:
            return tuple(name for text in texts for name in zones.names(text))
        except CorefileError as error:
            raise self.error(str(error)) from error


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """The zones it answers for, as (zone, port), and its directives in the order written."""

    zones: tuple[tuple[str, int], ...]
    directives: tuple[Directive, ...]
    line: int


@dataclass
class _Tokens:
    """The token stream, with one token of look-ahead."""

    items: list[tuple[str, int]]
    position: int = 0
    snippets: dict[str, tuple[Directive, ...]] = field(default_factory=dict)

    def peek(self) -> tuple[str, int]:
        return self.items[self.position] if self.position < len(self.items) else ("", self.last_line)

    def take(self) -> tuple[str, int]:
        token = self.peek()
        self.position += 1
        return token

    @property
    def last_line(self) -> int:
        return self.items[-1][1] if self.items else 1

    def skip_newlines(self) -> None:
        while self.peek()[0] == "\n":
            self.position += 1

    def rest_of_line(self) -> tuple[str, ...]:
        words = []
        while self.peek()[0] not in ("\n", "", "{", "}"):
            words.append(_unquote(self.take()[0]))
        return tuple(words)


def parse(text: str, environment: Mapping[str, str]) -> list[ServerBlock]:
    """Return the server blocks of a Corefile; raises CorefileError."""
    text = VARIABLE.sub(lambda m: environment.get(m[1] or m[2], ""), text)
    tokens = _Tokens(list(_tokenize(text)))
    blocks: list[ServerBlock] = []
    tokens.skip_newlines()
    while tokens.peek()[0]:
        _top_level(tokens, blocks)
        tokens.skip_newlines()
    if not blocks:
        raise CorefileError("the Corefile has no server block")
    return blocks


def _tokenize(text: str) -> Iterator[tuple[str, int]]:
    for number, line in enumerate(text.splitlines(), 1):
        for token in TOKEN.findall(line):
            if token.startswith("#"):
                break
            yield token, number
        yield "\n", number


def _top_level(tokens: _Tokens, blocks: list[ServerBlock]) -> None:
    line = tokens.peek()[1]
    head: list[str] = []
    while tokens.peek()[0] not in ("{", "}", ""):
        word = tokens.take()[0]
        if word != "\n":
            head += [w for w in word.split(",") if w]
        elif head and not tokens.items[tokens.position - 2][0].endswith(","):
            break
    if not head:
        raise CorefileError(f"Corefile line {line}: expected a zone, found {tokens.peek()[0]!r}")
    snippet = re.fullmatch(r"\((\S+)\)", head[0])
    directives = _block(tokens, line)
    if snippet:
        tokens.snippets[snippet[1]] = directives
    else:
        blocks.append(ServerBlock(tuple(found for z in head for found in _zones(z, line)), directives, line))


def _block(tokens: _Tokens, line: int) -> tuple[Directive, ...]:
    tokens.skip_newlines()
    if tokens.take()[0] != "{":
        raise CorefileError(f"Corefile line {line}: a server block needs {{ … }}")
    found: list[Directive] = []
    for word, at in _lines(tokens, line):
        if word == "import":
            found += _import(tokens, at)
        else:
            found.append(Directive(word, tokens.rest_of_line(), _options(tokens, at), at))
    return tuple(found)


def _lines(tokens: _Tokens, line: int) -> Iterator[tuple[str, int]]:
    """Yield the first word of each line of the block opened at `line`, until it is closed."""
    while True:
        tokens.skip_newlines()
        word, at = tokens.take()
        if word == "}":
            return
        if not word:
            raise CorefileError(f"Corefile line {line}: this block is never closed")
        yield word, at


def _import(tokens: _Tokens, line: int) -> tuple[Directive, ...]:
    names = tokens.rest_of_line()
    if len(names) != 1 or names[0] not in tokens.snippets:
        raise CorefileError(
            f"Corefile line {line}: import: there is no snippet ({' '.join(names)}) above; files are not read"
        )
    return tokens.snippets[names[0]]


def _options(tokens: _Tokens, line: int) -> tuple[Option, ...]:
    if tokens.peek()[0] != "{":
        return ()
    tokens.take()
    found: list[Option] = []
    for word, at in _lines(tokens, line):
        if word == "{":
            raise CorefileError(f"Corefile line {at}: an option cannot hold a block")
        found.append(Option(word, tokens.rest_of_line(), at))
    return tuple(found)


def _zones(text: str, line: int) -> list[tuple[str, int]]:
    """Return the zones and ports of one word in front of a block: `[dns://]ZONE|CIDR[:PORT]`."""
    scheme, separator, rest = text.partition("://")
    if separator and scheme != "dns":
        raise CorefileError(f"Corefile line {line}: {scheme}:// is not supported yet; only plain dns is")
    rest = rest if separator else text
    zone, colon, port = rest.rpartition(":") if "::" not in rest else (rest, "", "")
    if not colon:
        zone, port = rest, str(DEFAULT_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise CorefileError(f"Corefile line {line}: {text}: {port!r} is not a port")
    try:
        return [(name.to_text(), int(port)) for name in zones.names(zone or ".")]
    except CorefileError as error:
        raise CorefileError(f"Corefile line {line}: {error}") from error


def _unquote(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
