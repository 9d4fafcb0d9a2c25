"""What a feature says to nginx: directives as words, quoted by whoever writes nginx.conf (`nginx/lines.py`)."""

from __future__ import annotations

from dataclasses import dataclass


class Text(str):
    """A word in which nginx may find variables: ours, or checked to name no others. Any other word is literal."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class File:
    """A word that stands for the path of a file with this content, which only nginx may read."""

    content: str


@dataclass(frozen=True, slots=True)
class Temporary:
    """A word that stands for the path of a folder with this name, where nginx keeps what it may lose."""

    name: str


@dataclass(frozen=True, slots=True)
class Lua:
    """A block of Lua of ours, such as `return 1`: braces are put around it. Nothing of a user's is in it."""

    code: str


Word = str | File | Temporary | Lua


@dataclass(frozen=True, slots=True)
class Line:
    """One directive; `block` is what stands between its braces."""

    words: tuple[Word, ...]
    block: tuple[Line, ...] | None = None


def line(*words: Word) -> Line:
    """Return a directive without a block."""
    return Line(words)


def block(*words: Word, of: tuple[Line, ...]) -> Line:
    """Return a directive with a block."""
    return Line(words, of)


def flag(on: bool) -> str:
    """Return a boolean as nginx writes it."""
    return "on" if on else "off"
