"""Which lines of a log a client gets."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.node.streaming import crilog
from wherry.node.streaming.crilog import LogLine, LogOptions, Selector, parse, tail_offset
from wherry.objects.errors import Invalid


def entry(text: str, second: int = 0, stream: str = "stdout", partial: bool = False) -> LogLine:
    return LogLine(f"2026-01-01T00:00:{second:02}.000000001Z", stream, partial, text.encode())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b"2026-01-01T00:00:00Z stdout F hello world",
            LogLine("2026-01-01T00:00:00Z", "stdout", False, b"hello world"),
        ),
        (b"2026-01-01T00:00:00Z stderr P half", LogLine("2026-01-01T00:00:00Z", "stderr", True, b"half")),
        (b"2026-01-01T00:00:00Z stdout F ", LogLine("2026-01-01T00:00:00Z", "stdout", False, b"")),
        (b"2026-01-01T00:00:00Z stdout F:new:tags x", LogLine("2026-01-01T00:00:00Z", "stdout", False, b"x")),
        (b"no log line", None),
        (b"", None),
    ],
)
def test_lines_are_taken_apart(line, expected):
    assert parse(line) == expected


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (LogOptions(), b"one\ntwo half and half\nthree\n"),
        (
            LogOptions(timestamps=True),
            b"2026-01-01T00:00:01.000000001Z one\n2026-01-01T00:00:02.000000001Z two half and half\n"
            b"2026-01-01T00:00:04.000000001Z three\n",
        ),
        (LogOptions(since=1767225603.0), b" and half\nthree\n"),
        (LogOptions(limit_bytes=6), b"one\ntw"),
        (LogOptions(stream="Stderr"), b"three\n"),
    ],
)
def test_options_choose_and_shape_the_text(options, text):
    entries = [
        entry("one", 1),
        entry("two half", 2, partial=True),
        entry(" and half", 3),
        entry("three", 4, "stderr"),
    ]
    assert Selector(options).render(entries) == text


def test_a_byte_limit_holds_over_several_renderings():
    selector = Selector(LogOptions(limit_bytes=6))
    assert selector.render([entry("one")]) == b"one\n"
    assert not selector.finished
    assert selector.render([entry("two"), entry("three")]) == b"tw"
    assert selector.finished


lines = st.lists(st.tuples(st.text("ab", max_size=30), st.booleans()), max_size=20)


@given(lines, st.integers(0, 8), st.integers(1, 40))
def test_the_tail_is_what_counting_from_the_front_finds(written, wanted, block):
    """Lines of several parts count once, an unfinished last line counts too, whatever the size of the blocks read."""
    raw = b"".join(
        f"2026-01-01T00:00:00Z stdout {'P' if partial else 'F'} {text}\n".encode() for text, partial in written
    )
    whole, current = [], []
    for line, (_, partial) in zip(raw.splitlines(keepends=True), written, strict=True):
        current.append(line)
        if not partial:
            whole.append(b"".join(current))
            current = []
    if current:
        whole.append(b"".join(current))
    before, crilog.BLOCK = crilog.BLOCK, block
    try:
        offset = tail_offset(io.BytesIO(raw), wanted)
    finally:
        crilog.BLOCK = before
    assert raw[offset:] == b"".join(whole[len(whole) - min(wanted, len(whole)) :])


def test_a_query_becomes_options():
    query = {"follow": "true", "tailLines": "5", "sinceSeconds": "10", "timestamps": "1", "limitBytes": "7"}
    assert LogOptions.of(query, "web", 100.0) == LogOptions(
        follow=True, timestamps=True, since=90.0, tail=5, limit_bytes=7
    )
    assert LogOptions.of({"sinceTime": "1970-01-01T00:01:35Z", "sinceSeconds": "10"}, "web", 100.0).since == 95.0


def test_every_wrong_field_is_named():
    query = {"tailLines": "-1", "limitBytes": "0", "sinceSeconds": "x", "sinceTime": "noon", "stream": "all"}
    with pytest.raises(Invalid) as caught:
        LogOptions.of(query, "web", 0.0)
    fields = {cause["field"] for cause in caught.value.details["causes"]}
    assert fields == {"tailLines", "limitBytes", "sinceSeconds", "sinceTime", "stream"}
