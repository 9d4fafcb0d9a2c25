"""The SPDY/3.1 wire format."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.node.streaming import spdy
from wherry.node.streaming.spdy import (
    Data,
    Decoder,
    Encoder,
    GoAway,
    Headers,
    Ping,
    RstStream,
    Settings,
    SpdyError,
    SynReply,
    SynStream,
    WindowUpdate,
)

stream_ids = st.integers(1, 0x7FFFFFFF)
words = st.integers(0, 0xFFFFFFFF)
headers = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=20), st.text(max_size=50), max_size=5
)
control_frames = st.one_of(
    st.builds(SynStream, stream_ids, headers, st.booleans(), st.booleans(), stream_ids, st.integers(0, 7)),
    st.builds(SynReply, stream_ids, headers, st.booleans()),
    st.builds(RstStream, stream_ids, words),
    st.builds(Settings, st.dictionaries(st.integers(1, 0xFFFFFF), words, max_size=4), st.booleans()),
    st.builds(Ping, words),
    st.builds(GoAway, stream_ids, words),
    st.builds(Headers, stream_ids, headers, st.booleans()),
    st.builds(WindowUpdate, stream_ids, st.integers(0, 0x7FFFFFFF)),
)
frames = st.one_of(control_frames, st.builds(Data, stream_ids, st.binary(max_size=300), st.booleans()))


def joined(decoded):
    """Return the frames with the pieces of each data frame put together again."""
    whole = []
    for frame in decoded:
        last = whole[-1] if whole else None
        if isinstance(frame, Data) and isinstance(last, list) and last[0].stream == frame.stream:
            last.append(frame)
        else:
            whole.append([frame] if isinstance(frame, Data) else frame)
    for item in whole:
        if isinstance(item, list):
            yield Data(item[0].stream, b"".join(f.data for f in item), item[-1].fin)
        else:
            yield item


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


@given(st.lists(frames, max_size=8), st.integers(1, 40))
def test_frames_survive_the_wire_however_it_cuts_them(sent, size):
    encoder, decoder = Encoder(), Decoder()
    for frame in sent:
        got = [f for piece in cut(encoder.encode(frame), size) for f in decoder.feed(piece)]
        assert list(joined(got)) == [frame]


@given(st.lists(control_frames, min_size=1, max_size=5), st.data())
def test_what_is_cut_off_yields_no_frame_and_no_error(sent, data):
    encoder, decoder = Encoder(), Decoder()
    wire = [encoder.encode(frame) for frame in sent]
    kept = data.draw(st.integers(0, len(wire[-1]) - 1))
    assert list(decoder.feed(b"".join(wire[:-1]) + wire[-1][:kept])) == sent[:-1]


@given(st.binary(max_size=200))
def test_noise_is_frames_or_a_spdy_error_and_nothing_else(noise):
    try:
        for frame in Decoder().feed(noise):
            assert isinstance(frame, spdy.Frame)
    except SpdyError:
        pass


@pytest.mark.parametrize(
    ("frame", "wire"),
    [
        (Ping(1), "80030006 00000004 00000001"),
        (GoAway(7, 0), "80030007 00000008 00000007 00000000"),
        (RstStream(3, spdy.CANCEL), "80030003 00000008 00000003 00000005"),
        (WindowUpdate(1, 65536), "80030009 00000008 00000001 00010000"),
        (Settings({4: 100}), "80030004 0000000c 00000001 00000004 00000064"),
        (Data(5, b"hi"), "00000005 00000002 6869"),
        (Data(5, b"", fin=True), "00000005 01000000"),
    ],
)
def test_frames_look_as_the_draft_draws_them(frame, wire):
    assert Encoder().encode(frame) == bytes.fromhex(wire)
    assert list(Decoder().feed(bytes.fromhex(wire))) == [frame]


def test_the_dictionary_is_the_drafts():
    """Its Adler-32, which zlib puts in front of every compressed stream, is known to every implementation."""
    assert (len(spdy._DICTIONARY), zlib.adler32(spdy._DICTIONARY)) == (1423, 0xE3C6A7C2)


def test_unknown_control_frames_are_skipped():
    unknown = bytes.fromhex("8003000a 00000003 010203")
    assert list(Decoder().feed(unknown + Encoder().encode(Ping(1)))) == [Ping(1)]


@pytest.mark.parametrize(
    ("wire", "what"),
    [
        ("80020006 00000004 00000001", "version 2"),
        ("80030006 00000002 0000", "too short"),
        ("80030003 00000008 00000000 00000005", "stream 0"),
        ("00000000 00000001 00", "stream 0"),
        ("80030001 00ffffff", "too long"),
        ("80030002 00000008 00000001 deadbeef", "cannot be decompressed"),
    ],
)
def test_what_breaks_the_protocol_is_named(wire, what):
    with pytest.raises(SpdyError, match=what):
        list(Decoder().feed(bytes.fromhex(wire)))


def test_headers_that_swell_on_decompression_are_refused():
    with pytest.raises(SpdyError, match="too long"):
        list(Decoder().feed(Encoder().encode(SynReply(1, {"x": "a" * (1 << 20)}))))


def test_data_is_passed_on_before_its_frame_is_whole():
    decoder = Decoder()
    wire = Encoder().encode(Data(1, b"x" * 100_000, fin=True))
    assert list(decoder.feed(wire[:50_000])) == [Data(1, b"x" * 49_992)]
    assert list(decoder.feed(wire[50_000:])) == [Data(1, b"x" * 50_008, fin=True)]
