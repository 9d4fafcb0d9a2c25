"""``python -m wherry.images.store.unpack COMPRESSION FOLDER``: a layer on standard input becomes a folder.

A process of its own: it is locked into the folder (chroot(2)) before it reads a byte, so that no entry can lead out of
it whatever the code makes of it, and its work holds up nobody. It prints {"diff_id", "size"} (the digest of what came
out of the compression, and the bytes of all files), or on standard error what is wrong, and exits with 1.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import tarfile
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

import zstandard

from wherry.images.store.entries import LayerError, Unpacker

LEFT_FREE = 64 << 20
"""How many bytes of the disk a layer leaves to others."""
LOOK_EVERY = 16 << 20


class _Hashed:
    """A stream that remembers the digest of what was read of it."""

    def __init__(self, source: BinaryIO):
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        while self.read(1 << 20):  # what comes after the archive's end
            pass
        return f"sha256:{self._hash.hexdigest()}"


def opened(source: BinaryIO, compression: str) -> BinaryIO:
    """Return the stream without its compression."""
    if compression == "gzip":
        return gzip.GzipFile(fileobj=source)  # type: ignore[return-value]
    if compression == "zstd":
        reader: Any = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        return reader  # type: ignore[no-any-return]
    return source


def _room() -> Callable[[int], None]:
    written = LOOK_EVERY

    def room(size: int) -> None:
        nonlocal written
        written += size
        if written < LOOK_EVERY:
            return
        written = 0
        disk = os.statvfs("/")
        if disk.f_bavail * disk.f_frsize < LEFT_FREE:
            raise LayerError("no space left on device")

    return room


def unpack(source: BinaryIO, compression: str) -> dict[str, object]:
    """Unpack a layer below `/`; returns what to print. Raises LayerError, OSError, and what libraries raise."""
    stream = _Hashed(opened(source, compression))
    unpacker = Unpacker(_room())
    with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:  # type: ignore[call-overload]
        unpacker.unpack(archive)
    return {"diff_id": stream.digest(), "size": unpacker.size}


def main(compression: str, folder: str) -> int:
    """Be the process."""
    os.umask(0)
    os.chroot(folder)
    os.chdir("/")
    try:
        json.dump(unpack(sys.stdin.buffer, compression), sys.stdout)
    except LayerError as error:
        sys.stderr.write(str(error))
        return 1
    except (OSError, EOFError, zlib.error, zstandard.ZstdError, tarfile.TarError) as error:
        strerror = getattr(error, "strerror", None)
        where = f": {error.filename}" if isinstance(error, OSError) and error.filename else ""
        sys.stderr.write(f"{strerror.lower()}{where}" if strerror else f"it is damaged: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
