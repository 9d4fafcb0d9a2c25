"""Rows read off the pages of an SQLite file, for when SQLite itself refuses it.

Only table leaves and their overflow pages are looked at, whatever the tree above them says. The write-ahead log lies on
top of the file, as far as it was committed.
Source: https://www.sqlite.org/fileformat2.html (sections 1.5, 1.6, 2.1 and 4.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

MAGIC = b"SQLite format 3\0"
USUAL_SIZE = 4096
TABLE_LEAF = 0x0D

Value = int | float | bytes | str | None
Row = Sequence[Value]


class Pages:
    """The pages of the file at `path` by number (the first is 1), those of its log `wal` in their stead."""

    def __init__(self, path: Path, wal: Path):
        file, log = _content(path), _content(wal)
        self.size = _page_size(file, log)
        self._pages = {n // self.size + 1: file[n : n + self.size] for n in range(0, len(file), self.size)}
        self._pages.update(_committed(log, self.size))

    def free(self) -> set[int] | None:
        """Return the numbers of the pages that hold nothing any more; None when that cannot be told."""
        header = self._pages.get(1, b"")
        if not header.startswith(MAGIC):
            return None
        (trunk,) = struct.unpack_from(">I", header, 32)
        found: set[int] = set()
        while trunk:
            page = self._pages.get(trunk, b"")
            if trunk in found or len(page) < self.size:
                return None
            following, count = struct.unpack_from(">II", page)
            if count > self.size // 4 - 2:
                return None
            found.update({trunk, *struct.unpack_from(f">{count}I", page, 8)})
            trunk = following
        return found

    def rows(self, without: set[int]) -> Iterator[Row]:
        """Yield the rows of all table leaves but those of the pages `without`; what cannot be one is passed over."""
        for number, page in self._pages.items():
            start = 100 if number == 1 else 0
            if number in without or len(page) < self.size or page[start] != TABLE_LEAF:
                continue
            (count,) = struct.unpack_from(">H", page, start + 3)
            for position in range(start + 8, min(start + 8 + 2 * count, self.size - 1), 2):
                (offset,) = struct.unpack_from(">H", page, position)
                try:
                    yield _record(self._payload(page, offset))
                except (IndexError, ValueError, struct.error):
                    continue

    def _payload(self, page: bytes, offset: int) -> bytes:
        """Return the record of a cell; raises ValueError when it, or a page it goes on in, is not there."""
        length, offset = _varint(page, offset)
        _, offset = _varint(page, offset)
        least = (self.size - 12) * 32 // 255 - 23
        local = length
        if length > self.size - 35:
            local = least + (length - least) % (self.size - 4)
            local = local if local <= self.size - 35 else least
        parts, missing = [page[offset : offset + local]], length - local
        following = page[offset + local : offset + local + 4]
        while missing > 0:
            overflow = self._pages.get(int.from_bytes(following, "big"), b"")
            if len(overflow) < self.size:
                raise ValueError("the page it goes on in is missing")
            following, part = overflow[:4], overflow[4 : 4 + missing]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _page_size(file: bytes, log: bytes) -> int:
    """Return the page size the file's header names, else the log's, else the usual one."""
    if file.startswith(MAGIC):
        (size,) = struct.unpack_from(">H", file, 16)
        size = 65536 if size == 1 else size
    else:
        size = struct.unpack_from(">I", log, 8)[0] if len(log) >= 32 else 0
    return size if size in (512 << n for n in range(8)) else USUAL_SIZE


def _committed(log: bytes, size: int) -> dict[int, bytes]:
    """Return the newest page of each number in a write-ahead log, up to its last commit."""
    pages: dict[int, bytes] = {}
    begun: dict[int, bytes] = {}
    salts = log[16:24]
    for start in range(32, len(log) - size - 23, size + 24):
        number, commit = struct.unpack_from(">II", log, start)
        if log[start + 8 : start + 16] != salts:
            break  # what is behind is older than the log's beginning
        begun[number] = log[start + 24 : start + 24 + size]
        if commit:
            pages.update(begun)
            begun.clear()
    return pages


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    """Return a variable-length integer and where it ends."""
    value = 0
    for _ in range(8):
        byte = data[offset]
        offset += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset
    return value << 8 | data[offset], offset + 1


def _record(payload: bytes) -> Row:
    """Return the values of a record; raises ValueError, IndexError or struct.error when it is none."""
    end, offset = _varint(payload, 0)
    body, values = end, []
    while offset < end:
        kind, offset = _varint(payload, offset)
        length = _length(kind)
        if body + length > len(payload):
            raise ValueError("a value is longer than its record")
        values.append(_value(kind, payload[body : body + length]))
        body += length
    return values


def _length(kind: int) -> int:
    """Return the length of a value of a serial type, in bytes."""
    if kind >= 12:
        return (kind - 12) // 2
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]


def _value(kind: int, data: bytes) -> Value:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind == 7:
        return float(struct.unpack(">d", data)[0])
    if kind in (8, 9):
        return kind - 8
    return int.from_bytes(data, "big", signed=True) if kind else None
