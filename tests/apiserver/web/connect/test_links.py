"""Links lead through the proxy again, and everything else of a page stays as it is."""

from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.apiserver.web.connect.links import Links
from wherry.apiserver.web.connect.markup import Page

PREFIX = "/api/v1/namespaces/demo/services/a:80/proxy"
LINKS = Links(PREFIX, frozenset({"10.1.1.1:80", "localhost:8001"}))


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/style.css", f"{PREFIX}/style.css"),
        ("/a%20b/?q=%2F#here", f"{PREFIX}/a%20b/?q=%2F#here"),
        ("/", f"{PREFIX}/"),
        ("http://10.1.1.1:80/x", f"{PREFIX}/x"),
        ("https://localhost:8001/x/", f"{PREFIX}/x/"),
        ("//localhost:8001/x", f"{PREFIX}/x"),
        (f"{PREFIX}/x", f"{PREFIX}/x"),
        (f"{PREFIX}-other", f"{PREFIX}{PREFIX}-other"),
        ("http://elsewhere/x", "http://elsewhere/x"),
        ("//elsewhere/x", "//elsewhere/x"),
        ("http://10.1.1.1:8080/x", "http://10.1.1.1:8080/x"),
        ("style.css", "style.css"),
        ("../up", "../up"),
        ("", ""),
        ("#top", "#top"),
        ("?q=1", "?q=1"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://[broken/", "http://[broken/"),
    ],
)
def test_a_link_is_led_through_the_proxy_if_it_would_miss_the_backend(link: str, expected: str) -> None:
    assert LINKS.through_proxy(link) == expected


BEFORE = b"""<!DOCTYPE html>
<html manifest='/m'><!-- <a href="/not"> --><head>
<link rel=stylesheet href=/s.css><script src="/x.js">document.write('<a href="/not">')</script>
<title>a &amp; b &nosuch; \xe4\xf6</title></head>
<body><a title=" href=/not" data-x="y href=/not" HREF = '/a?b=1&amp;c=2'>x</a><img src="rel.png"
  longdesc="/d"><br/><form action=/go method=post><input formaction="/in"/></form>
<a href="http://elsewhere/">out</a><a>none</a><a href>empty</a><p cite="/not">a < b</p>
"""
AFTER = (
    BEFORE.replace(b"manifest='/m'", b'manifest="P/m"')
    .replace(b"href=/s.css", b'href="P/s.css"')
    .replace(b'src="/x.js"', b'src="P/x.js"')
    .replace(b"HREF = '/a?b=1&amp;c=2'", b'HREF = "P/a?b=1&amp;c=2"')
    .replace(b'longdesc="/d"', b'longdesc="P/d"')
    .replace(b"action=/go", b'action="P/go"')
    .replace(b'formaction="/in"', b'formaction="P/in"')
)


def rewritten(page: Page, *pieces: bytes) -> bytes:
    return b"".join(map(page.feed, pieces)) + page.end()


def prefixed(url: str) -> str:
    return f"P{url}" if url.startswith("/") else url


@given(st.lists(st.integers(1, len(BEFORE) - 1), max_size=6))
def test_a_pages_links_change_and_nothing_else_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BEFORE)]
    pieces = [BEFORE[a:b] for a, b in pairwise(edges)]
    assert rewritten(Page(prefixed), *pieces) == AFTER


@given(st.binary(max_size=200))
def test_what_is_no_page_passes_unchanged(data: bytes) -> None:
    assert rewritten(Page(lambda url: url), data) == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_page_is_looked_into_and_compressed_again(encoding: str) -> None:
    if encoding == "gzip":
        packed, unpack = gzip.compress(BEFORE), gzip.decompress
    else:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        packed = packer.compress(BEFORE) + packer.flush()
        unpack = lambda data: zlib.decompress(data, -zlib.MAX_WBITS)  # noqa: E731
    assert unpack(rewritten(Page(prefixed, encoding), packed[:100], packed[100:])) == AFTER


def test_a_page_is_passed_on_before_it_is_whole() -> None:
    page = Page(prefixed)
    assert page.feed(b"<p>one</p><a href='/x'>") == b'<p>one</p><a href="P/x">'
    assert page.feed(b"<a hr") == b""
    assert page.feed(b"ef='/y'>") == b'<a href="P/y">'
