"""Features' directives as the text of nginx.conf: every word quoted, every file written by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from wherry.ingress.features.directive import File, Line, Lua, Temporary, Text, Word
from wherry.ingress.nginx.quote import literal, quote
from wherry.ingress.nginx.runtime import Runtime

STEP = "    "


def written(lines: Iterable[Line], runtime: Runtime, depth: int) -> Iterator[str]:
    """Yield the text of directives, line by line; `runtime` says where files are, `depth` is the braces around."""
    for one in lines:
        first, *rest = one.words
        assert isinstance(first, str)
        head = first if one.words[0] in _BARE or first.isidentifier() else word(first, runtime)
        said = STEP * depth + " ".join((head, *(_argument(first, w, runtime) for w in rest)))
        if isinstance(one.words[-1], Lua):
            yield said
        elif one.block is None:
            yield said + ";"
        else:
            yield said + " {"
            yield from written(one.block, runtime, depth + 1)
            yield STEP * depth + "}"


_BARE = frozenset(("if", "map", "geo", "location"))


def _argument(directive: str, given: Word, runtime: Runtime) -> str:
    """Return an argument. A condition is ours to the last character: nginx wants its parentheses bare."""
    if directive == "if":
        assert isinstance(given, Text)
        return given
    return word(given, runtime)


def word(given: Word, runtime: Runtime) -> str:
    """Return one word, quoted."""
    if isinstance(given, Lua):
        return f"{{ {given.code} }}"
    if isinstance(given, File):
        return quote(runtime.files / file_name(given))
    if isinstance(given, Temporary):
        return quote(runtime.temp / given.name)
    return quote(given) if isinstance(given, Text) else literal(given)


def file_name(file: File) -> str:
    """Return the name of a file: it follows the content, so nothing of a user's is in it (CVE-2025-24513)."""
    return hashlib.sha256(file.content.encode()).hexdigest()


def files(lines: Iterable[Line]) -> Iterator[File]:
    """Yield the files that directives name."""
    for one in lines:
        yield from (w for w in one.words if isinstance(w, File))
        yield from files(one.block or ())
