"""SPDY/3.1 frames to bytes and back: the wire format, without I/O.

Source: the SPDY protocol, draft 3.1 (chromium.org). Header blocks of one direction share a compressor, so frames must
be encoded, and decoded, in the order in which they travel. CREDENTIAL and unknown control frames are skipped, as the
draft asks.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

VERSION = 3
FIN = 0x01
UNIDIRECTIONAL = 0x02
CLEAR_SETTINGS = 0x01

PROTOCOL_ERROR = 1
"""Statuses of RST_STREAM."""
REFUSED_STREAM = 3
CANCEL = 5

LONGEST_CONTROL_FRAME = 1 << 18
LONGEST_HEADER_BLOCK = 1 << 18
LONGEST_DATA_FRAME = (1 << 24) - 1

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS, _WINDOW_UPDATE = 1, 2, 3, 4, 6, 7, 8, 9
_STREAM_MASK = 0x7FFFFFFF


class SpdyError(ValueError):
    """The other side broke the protocol; the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class SynStream:
    """Open a stream. Several values of one header are joined by NUL; names are lower case."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False
    unidirectional: bool = False
    associated: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SynReply:
    """Accept a stream."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class RstStream:
    """End a stream at once, both ways."""

    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Tell settings: id to value."""

    values: Mapping[int, int]
    clear: bool = False


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for the same frame back. A client's ids are odd, a server's even."""

    id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """Announce that no further stream will be accepted."""

    last_stream: int
    status: int = 0


@dataclass(frozen=True, slots=True)
class Headers:
    """Add headers to a stream."""

    stream: int
    headers: Mapping[str, str]
    fin: bool = False


@dataclass(frozen=True, slots=True)
class WindowUpdate:
    """Allow the other side `delta` more bytes on a stream (0: on the connection)."""

    stream: int
    delta: int


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream. A long frame is decoded as several of these; the last one has its `fin`."""

    stream: int
    data: bytes
    fin: bool = False


Frame: TypeAlias = SynStream | SynReply | RstStream | Settings | Ping | GoAway | Headers | WindowUpdate | Data


class Encoder:
    """Frames to bytes, for one direction of one connection."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zdict=_DICTIONARY)

    def encode(self, frame: Frame) -> bytes:
        """Return the bytes of `frame`."""
        match frame:
            case Data():
                if len(frame.data) > LONGEST_DATA_FRAME:
                    raise ValueError("a data frame holds at most 16 MiB")
                head = struct.pack(">II", frame.stream, (frame.fin and FIN) << 24 | len(frame.data))
                return head + frame.data
            case SynStream():
                flags = (frame.fin and FIN) | (frame.unidirectional and UNIDIRECTIONAL)
                head = struct.pack(">IIBB", frame.stream, frame.associated, frame.priority << 5, 0)
                return _control(_SYN_STREAM, flags, head + self._block(frame.headers))
            case SynReply():
                body = struct.pack(">I", frame.stream) + self._block(frame.headers)
                return _control(_SYN_REPLY, frame.fin and FIN, body)
            case Headers():
                body = struct.pack(">I", frame.stream) + self._block(frame.headers)
                return _control(_HEADERS, frame.fin and FIN, body)
            case RstStream():
                return _control(_RST_STREAM, 0, struct.pack(">II", frame.stream, frame.status))
            case Settings():
                pairs = b"".join(struct.pack(">II", id, value) for id, value in frame.values.items())
                return _control(_SETTINGS, frame.clear and CLEAR_SETTINGS, struct.pack(">I", len(frame.values)) + pairs)
            case Ping():
                return _control(_PING, 0, struct.pack(">I", frame.id))
            case GoAway():
                return _control(_GOAWAY, 0, struct.pack(">II", frame.last_stream, frame.status))
            case WindowUpdate():
                return _control(_WINDOW_UPDATE, 0, struct.pack(">II", frame.stream, frame.delta))

    def _block(self, headers: Mapping[str, str]) -> bytes:
        parts = [struct.pack(">I", len(headers))]
        for name, value in headers.items():
            for text in (name.encode(), value.encode()):
                parts += [struct.pack(">I", len(text)), text]
        return self._compressor.compress(b"".join(parts)) + self._compressor.flush(zlib.Z_SYNC_FLUSH)


class Decoder:
    """Bytes to frames, for one direction of one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._decompressor = zlib.decompressobj(zdict=_DICTIONARY)
        self._stream = 0
        self._remaining = 0
        self._fin = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that `data` completes, and of data frames also a part; raises `SpdyError`."""
        self._buffer += data
        while True:
            if self._remaining:
                if not self._buffer:
                    return
                yield self._more_data()
            elif len(self._buffer) < 8:
                return
            elif self._buffer[0] & 0x80:
                length = int.from_bytes(self._buffer[5:8])
                if length > LONGEST_CONTROL_FRAME:
                    raise SpdyError(f"a control frame of {length} bytes is too long")
                if len(self._buffer) < 8 + length:
                    return
                frame = self._control_frame(bytes(self._buffer[: 8 + length]))
                del self._buffer[: 8 + length]
                if frame is not None:
                    yield frame
            else:
                self._start_data()
                if not self._remaining:
                    yield Data(self._stream, b"", self._fin)

    def _start_data(self) -> None:
        self._stream, rest = struct.unpack_from(">II", self._buffer)
        self._remaining, self._fin = rest & 0xFFFFFF, bool(rest >> 24 & FIN)
        del self._buffer[:8]
        if self._stream == 0:
            raise SpdyError("data for stream 0")

    def _more_data(self) -> Data:
        data = bytes(self._buffer[: self._remaining])
        del self._buffer[: self._remaining]
        self._remaining -= len(data)
        return Data(self._stream, data, self._fin and not self._remaining)

    def _control_frame(self, raw: bytes) -> Frame | None:
        version, type, flags = struct.unpack_from(">HHB", raw)
        if version & 0x7FFF != VERSION:
            raise SpdyError(f"SPDY version {version & 0x7FFF} is not spoken here")
        try:
            return self._parse(type, flags, raw[8:])
        except struct.error as error:
            raise SpdyError(f"control frame of type {type} is too short") from error

    def _parse(self, type: int, flags: int, body: bytes) -> Frame | None:
        if type in (_SYN_REPLY, _HEADERS):
            kind = SynReply if type == _SYN_REPLY else Headers
            return kind(_stream_id(body), self._headers(body[4:]), bool(flags & FIN))
        if type == _SYN_STREAM:
            _, associated, priority, _ = struct.unpack_from(">IIBB", body)
            return SynStream(
                _stream_id(body),
                self._headers(body[10:]),
                bool(flags & FIN),
                bool(flags & UNIDIRECTIONAL),
                associated & _STREAM_MASK,
                priority >> 5,
            )
        if type == _RST_STREAM:
            return RstStream(_stream_id(body), struct.unpack_from(">I", body, 4)[0])
        if type == _SETTINGS:
            (count,) = struct.unpack_from(">I", body)
            pairs = (struct.unpack_from(">II", body, 4 + 8 * i) for i in range(count))
            return Settings({id & 0xFFFFFF: value for id, value in pairs}, bool(flags & CLEAR_SETTINGS))
        if type == _PING:
            return Ping(struct.unpack_from(">I", body)[0])
        if type == _GOAWAY:
            last, status = struct.unpack_from(">II", body)
            return GoAway(last & _STREAM_MASK, status)
        if type == _WINDOW_UPDATE:
            stream, delta = struct.unpack_from(">II", body)
            return WindowUpdate(stream & _STREAM_MASK, delta & _STREAM_MASK)
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        try:
            plain = self._decompressor.decompress(block, LONGEST_HEADER_BLOCK)
        except zlib.error as error:
            raise SpdyError(f"headers cannot be decompressed: {error}") from error
        if self._decompressor.unconsumed_tail:
            raise SpdyError("headers are too long")
        (count,) = struct.unpack_from(">I", plain)
        headers, position = {}, 4
        for _ in range(count):
            name, position = _text(plain, position)
            value, position = _text(plain, position)
            headers[name.lower()] = value
        return headers


def _control(type: int, flags: int, body: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | VERSION, type, flags << 24 | len(body)) + body


def _stream_id(body: bytes) -> int:
    stream = int(struct.unpack_from(">I", body)[0]) & _STREAM_MASK
    if stream == 0:
        raise SpdyError("stream 0 does not exist")
    return stream


def _text(block: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">I", block, position)
    end = position + 4 + length
    if end > len(block):
        raise SpdyError("a header is cut off")
    try:
        return block[position + 4 : end].decode(), end
    except UnicodeDecodeError as error:
        raise SpdyError("a header is not UTF-8") from error


_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie "
    "keep-alive origin"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative "
    "Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 "
    "Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec "
    "00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8"
    "charset=iso-8859-1,utf-,*,enq=0."
)


def _dictionary() -> bytes:
    """Return what primes the compressor (draft 3, section 2.6.10.1): words after their lengths, then plain text."""
    words = (word.replace("_", " ").encode() for word in _WORDS.split(" "))
    return b"".join(struct.pack(">I", len(word)) + word for word in words) + _TAIL.encode()


_DICTIONARY = _dictionary()
