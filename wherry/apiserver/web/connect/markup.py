"""Links in an HTML page that comes in pieces.

Source of which attributes are links: apimachinery pkg/util/proxy/transport.go (atomsToAttrs).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from html import escape, unescape
from html.parser import HTMLParser

LINKS = {
    "a": {"href"},
    "applet": {"codebase"},
    "area": {"href"},
    "audio": {"src"},
    "base": {"href"},
    "blockquote": {"cite"},
    "body": {"background"},
    "button": {"formaction"},
    "command": {"icon"},
    "del": {"cite"},
    "embed": {"src"},
    "form": {"action"},
    "frame": {"longdesc", "src"},
    "head": {"profile"},
    "html": {"manifest"},
    "iframe": {"longdesc", "src"},
    "img": {"longdesc", "src", "usemap"},
    "input": {"formaction", "src"},
    "ins": {"cite"},
    "link": {"href"},
    "object": {"classid", "codebase", "data", "usemap"},
    "q": {"cite"},
    "script": {"src"},
    "source": {"src"},
    "video": {"poster", "src"},
}
"""The attributes that are links, by element."""

WINDOW_BITS = {"": 0, "gzip": 16 + zlib.MAX_WBITS, "deflate": -zlib.MAX_WBITS}
"""The content encodings that can be looked into, as zlib's window bits; 0: none."""

_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""")

Rewrite = Callable[[str], str]


class Page:
    """An HTML page of some content encoding (one of `WINDOW_BITS`), whose links `rewrite` changes."""

    def __init__(self, rewrite: Rewrite, encoding: str = ""):
        bits = WINDOW_BITS[encoding]
        self._markup = _Markup(rewrite)
        self._inflate = zlib.decompressobj(bits) if bits else None
        self._deflate = zlib.compressobj(wbits=bits) if bits else None

    def feed(self, data: bytes) -> bytes:
        """Return what can be said after some more of the page; raises `zlib.error` for what is not so encoded."""
        if self._inflate is None or self._deflate is None:
            return self._markup.take(data)
        changed = self._markup.take(self._inflate.decompress(data))
        return self._deflate.compress(changed) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """Return the rest."""
        rest = self._markup.rest()
        return rest if self._deflate is None else self._deflate.compress(rest) + self._deflate.flush()


class _Markup(HTMLParser):
    """Finds the tags with links; all the rest of the page stays as it is, byte for byte.

    The page is read as Latin-1, in which every byte is a character: tags are ASCII in all encodings a page may have
    but UTF-16, where nothing is found and nothing changed.
    """

    def __init__(self, rewrite: Rewrite):
        super().__init__(convert_charrefs=False)
        self._rewrite = rewrite
        self._text = ""  # what has come, from `_line`:`_column` on
        self._done = 0  # up to where it is in `_out`
        self._line, self._column = 1, 0  # of `_done`, as the parser counts
        self._out: list[str] = []

    def take(self, data: bytes) -> bytes:
        text = data.decode("latin-1")
        self._text += text
        self.feed(text)
        self._copy_to(*self.getpos())
        return self._said()

    def rest(self) -> bytes:
        self.close()
        self._out.append(self._text[self._done :])
        self._done = len(self._text)
        return self._said()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text()
        if tag in LINKS and raw is not None:
            self._copy_to(*self.getpos())
            self._out.append(_ATTRIBUTE.sub(lambda found: self._attribute(found, LINKS[tag]), raw))
            self._pass_over(len(raw))

    def _attribute(self, found: re.Match[str], links: set[str]) -> str:
        name, equals, value = found.groups()
        if name.lower() not in links:
            return found[0]
        plain = unescape(value[1:-1] if value[0] in "\"'" else value)
        changed = self._rewrite(plain)
        return found[0] if changed == plain else f'{name}{equals}"{escape(changed)}"'

    def _copy_to(self, line: int, column: int) -> None:
        """Say everything before a place as it is."""
        end = self._done
        for _ in range(line - self._line):
            end = self._text.index("\n", end) + 1
        end += column if line > self._line else column - self._column
        self._out.append(self._text[self._done : end])
        self._pass_over(end - self._done)

    def _pass_over(self, length: int) -> None:
        passed = self._text[self._done : self._done + length]
        if breaks := passed.count("\n"):
            self._line += breaks
            self._column = len(passed) - passed.rindex("\n") - 1
        else:
            self._column += length
        self._done += length

    def _said(self) -> bytes:
        self._text, self._done = self._text[self._done :], 0
        said, self._out = "".join(self._out), []
        return said.encode("latin-1", errors="xmlcharrefreplace")
