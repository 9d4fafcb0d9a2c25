"""The Corefile: server blocks of plugin directives (grammar: CoreDNS manual, corefile(5)).

.:53 {                       a server block: zones with an optional scheme and port
    kubernetes cluster.local {   a directive: name, arguments, and perhaps a block
        ttl 30                       of options, each a name and arguments
    }
    {$NAME}                  is replaced by the environment variable NAME, {$NAME:other} by other where it is not set
}
(name) { … }                 is a snippet that `import name` puts in, `{args[0]}` in it being the words that follow
import custom/*.server       puts in files, found from the Corefile's folder; a pattern may match none
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from wherry.dns import names, places
from wherry.dns.errors import CorefileError
from wherry.dns.places import Place

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|[^\s"`]\S*|\n')
VARIABLE = re.compile(r"\{\$(\w+)(?::([^}]*))?\}|\{%(\w+)%\}")
ARGUMENT = re.compile(r"\{args(?:\[(\d+)\]|\.(\d+))\}")
MOST_IMPORTS = 100
"""So that files that import one another come to an end."""


@dataclass(frozen=True, slots=True)
class Option:
    """One line inside a directive's block; `at` is FILE:LINE."""

    name: str
    args: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Directive:
    """One plugin's configuration; `at` is FILE:LINE."""

    name: str
    args: tuple[str, ...]
    options: tuple[Option, ...]
    at: str

    def error(self, why: str) -> CorefileError:
        """Return an error that points here."""
        return CorefileError(f"{self.at}: {self.name}: {why}")

    def unknown(self, option: Option) -> CorefileError:
        """Return an error that points at an option we do not have, or not with these words."""
        return CorefileError(f"{option.at}: {self.name}: cannot read {' '.join((option.name, *option.args))!r}")

    def zones(self, texts: Iterable[str]) -> tuple[bytes, ...]:
        """Return the zones some of its words stand for; raises CorefileError."""
        try:
            return tuple(name for text in texts for name in names.zones(text))
        except CorefileError as error:
            raise self.error(str(error)) from error


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """The zones it answers for and where, and its directives in the order written."""

    places: tuple[Place, ...]
    directives: tuple[Directive, ...]
    at: str

    def zones(self) -> tuple[bytes, ...]:
        """Return the names of its zones."""
        return tuple(dict.fromkeys(names.of_text(place.zone) for place in self.places))


class _Token(NamedTuple):
    word: str
    at: str


@dataclass
class _Tokens:
    """The token stream, with one token of look-ahead."""

    items: list[_Token]
    folder: Path
    environment: Mapping[str, str]
    position: int = 0
    snippets: dict[str, list[_Token]] = field(default_factory=dict)
    imports: int = 0

    def peek(self) -> _Token:
        at = self.items[-1].at if self.items else ""
        return self.items[self.position] if self.position < len(self.items) else _Token("", at)

    def take(self) -> _Token:
        token = self.peek()
        self.position += 1
        return token

    def skip_newlines(self) -> None:
        while self.peek().word == "\n":
            self.position += 1

    def rest_of_line(self) -> tuple[str, ...]:
        words = []
        while self.peek().word not in ("\n", "", "{", "}"):
            words.append(_unquote(self.take().word))
        return tuple(words)

    def put_in(self) -> None:
        """Replace the rest of an `import` line by what it names."""
        _, at = self.peek()
        name, *args = self.rest_of_line() or ("",)
        self.imports += 1
        if self.imports > MOST_IMPORTS:
            raise CorefileError(f"{at}: import: more than {MOST_IMPORTS} of them; do they import one another?")
        found = [_Token(_argument(t.word, args), t.at) for t in self._imported(name, at)]
        self.items[self.position : self.position] = [*found, _Token("\n", at)]

    def _imported(self, name: str, at: str) -> list[_Token]:
        if name in self.snippets:
            return self.snippets[name]
        try:
            paths = sorted(p for p in self.folder.glob(name) if p.is_file()) if not Path(name).is_absolute() else (
                sorted(p for p in Path("/").glob(name.lstrip("/")) if p.is_file())
            )  # fmt: skip
        except (ValueError, NotImplementedError, IndexError) as error:
            raise CorefileError(f"{at}: import: {name!r} is no pattern of files") from error
        if not paths and not re.search(r"[*?\[]", name):
            raise CorefileError(f"{at}: import: there is no snippet ({name}) above, and no such file")
        return [token for path in paths for token in _tokenize(_text(path), str(path), self.environment)]


def load(path: Path, environment: Mapping[str, str]) -> list[ServerBlock]:
    """Return the server blocks of a file; raises CorefileError."""
    return parse(_text(path), environment, path)


def fingerprint(path: Path, environment: Mapping[str, str]) -> bytes:
    """Return what changes when the Corefile does, or a file it imports; b"" while it cannot be read."""
    try:
        text = path.read_bytes()
    except OSError:
        return b""  # a moment without the file is not a change
    try:
        return hashlib.sha256(repr(load(path, environment)).encode()).digest()
    except CorefileError as error:
        return hashlib.sha256(text + str(error).encode()).digest()


def parse(text: str, environment: Mapping[str, str], path: Path = Path("Corefile")) -> list[ServerBlock]:
    """Return the server blocks of a Corefile; raises CorefileError."""
    tokens = _Tokens(list(_tokenize(text, str(path), environment)), path.parent, environment)
    blocks: list[ServerBlock] = []
    tokens.skip_newlines()
    while tokens.peek().word:
        _top_level(tokens, blocks)
        tokens.skip_newlines()
    if not blocks:
        raise CorefileError(f"{path}: there is no server block")
    return blocks


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise CorefileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorefileError(f"{path}: {error}") from error


def _tokenize(text: str, path: str, environment: Mapping[str, str]) -> Iterator[_Token]:
    text = VARIABLE.sub(lambda m: environment.get(m[1] or m[3], m[2] or ""), text)
    for number, line in enumerate(text.splitlines(), 1):
        for word in TOKEN.findall(line):
            if word.startswith("#"):
                break
            yield _Token(word, f"{path}:{number}")
        yield _Token("\n", f"{path}:{number}")


def _argument(word: str, args: list[str]) -> str:
    """Put an import's words in the places kept for them; a word that was not given is empty."""
    return ARGUMENT.sub(lambda m: (args[n : n + 1] or [""])[0] if (n := int(m[1] or m[2])) >= 0 else "", word)


def _top_level(tokens: _Tokens, blocks: list[ServerBlock]) -> None:
    first, at = tokens.peek()
    if first == "import":
        tokens.take()
        tokens.put_in()
        return
    head = _head(tokens)
    if not head:
        raise CorefileError(f"{at}: expected a zone, found {first!r}")
    snippet = re.fullmatch(r"\((\S+)\)", head[0])
    tokens.skip_newlines()
    if tokens.take().word != "{":
        raise CorefileError(f"{at}: a server block needs {{ … }}")
    if snippet:
        tokens.snippets[snippet[1]] = list(_inside(tokens, at))
        return
    directives = tuple(_directives(tokens, at))
    try:
        blocks.append(ServerBlock(tuple(p for zone in head for p in places.read(zone)), directives, at))
    except CorefileError as error:
        raise CorefileError(f"{at}: {error}") from error


def _head(tokens: _Tokens) -> list[str]:
    """Take the zones in front of a block: of one line, or of more where a comma says so."""
    head: list[str] = []
    comma = False
    while tokens.peek().word not in ("{", "}", ""):
        word = _unquote(tokens.take().word)
        if word != "\n":
            head += [w for w in word.split(",") if w]
            comma = word.endswith(",")
        elif head and not comma:
            break
    return head


def _inside(tokens: _Tokens, at: str) -> Iterator[_Token]:
    """Yield the tokens up to the brace that closes the one just taken."""
    depth = 1
    while True:
        token = tokens.take()
        if not token.word:
            raise CorefileError(f"{at}: this block is never closed")
        depth += (token.word == "{") - (token.word == "}")
        if not depth:
            return
        yield token


def _directives(tokens: _Tokens, at: str) -> Iterator[Directive]:
    for word, here in _lines(tokens, at):
        yield Directive(word, tokens.rest_of_line(), _options(tokens, here), here)


def _lines(tokens: _Tokens, start: str) -> Iterator[_Token]:
    """Yield the first word of each line of the block opened at `start`, until it is closed."""
    while True:
        tokens.skip_newlines()
        word, at = tokens.take()
        if word == "}":
            return
        if not word:
            raise CorefileError(f"{start}: this block is never closed")
        if word == "import":
            tokens.put_in()
            continue
        yield _Token(_unquote(word), at)


def _options(tokens: _Tokens, start: str) -> tuple[Option, ...]:
    if tokens.peek().word != "{":
        return ()
    tokens.take()
    found: list[Option] = []
    for word, at in _lines(tokens, start):
        if word == "{":
            raise CorefileError(f"{at}: an option cannot hold a block")
        found.append(Option(word, tokens.rest_of_line(), at))
    return tuple(found)


def _unquote(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] == "`":
        return word[1:-1]
    return re.sub(r'\\"', '"', word[1:-1]) if len(word) > 1 and word[0] == word[-1] == '"' else word
