"""The protobuf wire format, as far as the API's messages use it: varints and length-delimited fields.

Source: the protocol buffers encoding specification. The API's own types need no more; a field of another wire type
(fixed 32 or 64 bits) can only be one the schema does not know, and is skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are no protobuf message."""


def read_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (field number, value) of a message: an int for a varint, else the bytes; WireError where it is cut."""
    position, end = 0, len(data)
    while position < end:
        tag, position = _varint(data, position)
        wire = tag & 7
        if wire == VARINT:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if wire == BYTES:
            size, position = _varint(data, position)
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
        else:
            raise WireError(f"proto: illegal wireType {wire}")
        if position + size > end:
            raise WireError("unexpected EOF")
        yield tag >> 3, data[position : position + size]
        position += size


def first_fields(data: memoryview | bytes) -> dict[int, memoryview]:
    """Return the length-delimited fields of a small message by number, the last one where one repeats."""
    return {number: value for number, value in read_fields(memoryview(data)) if not isinstance(value, int)}


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        try:
            byte = data[position]
        except IndexError:
            raise WireError("unexpected EOF") from None
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, position
        shift += 7
        if shift >= 70:
            raise WireError("proto: integer overflow")


def read_packed(data: memoryview) -> Iterator[int]:
    """Yield the varints of a packed repeated field."""
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def signed(value: int, bits: int) -> int:
    """Return a decoded varint as the signed int32 or int64 it stands for."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def write_varint(number: int, value: int) -> bytes:
    """Return field `number` with an integer or boolean."""
    return _encode_varint(number << 3 | VARINT) + _encode_varint(value & 0xFFFFFFFFFFFFFFFF)


def write_bytes(number: int, value: bytes) -> bytes:
    """Return field `number` with a string, bytes or a message."""
    return _encode_varint(number << 3 | BYTES) + _encode_varint(len(value)) + value


def write_double(number: int, value: float) -> bytes:
    """Return field `number` with a floating-point number."""
    return _encode_varint(number << 3 | FIXED64) + struct.pack("<d", value)


def read_double(data: memoryview) -> float:
    """Return the floating-point number of a field of 64 fixed bits, a whole one as an int; raises `WireError`."""
    if len(data) != 8:
        raise WireError("proto: wrong wireType for a double")
    value: float = struct.unpack("<d", data)[0]
    return int(value) if value.is_integer() else value


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
