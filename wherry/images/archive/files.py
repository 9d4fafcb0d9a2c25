"""A folder, or a tar archive with or without compression, as a tree of files that can be read in any order."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import zstandard

from wherry.images import manifest as manifests
from wherry.images.errors import ContentError

MAGIC: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda source: gzip.GzipFile(fileobj=source),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": lambda source: zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True),
}
"""How a compressed archive begins, and what reads it. `docker load` takes the same."""
BROKEN = (OSError, EOFError, tarfile.TarError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


class Tree(Protocol):
    """Files by their paths, which are relative and have no `..`."""

    def has(self, path: str) -> bool:
        """Tell whether there is such a file."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open a file; raises ContentError where there is none."""
        ...


def document(tree: Tree, path: str) -> bytes:
    """Return a small file. Raises ContentError for one that is too large to be what it should be."""
    with tree.open(path) as source:
        data = source.read(manifests.LARGEST_DOCUMENT + 1)
    if len(data) > manifests.LARGEST_DOCUMENT:
        raise ContentError(f"its {path} is larger than 8 MiB")
    return data


class Folder:
    """A `Tree` of a folder; links that lead out of it are not followed."""

    def __init__(self, root: Path):
        self._root = root.resolve()

    def _place(self, path: str) -> Path | None:
        place = (self._root / path).resolve()
        return place if place.is_relative_to(self._root) and place.is_file() else None

    def has(self, path: str) -> bool:
        """See `Tree`."""
        return self._place(path) is not None

    def open(self, path: str) -> BinaryIO:
        """See `Tree`."""
        place = self._place(path)
        if place is None:
            raise ContentError(f"it has no {path}")
        return place.open("rb")


class Archive:
    """A `Tree` of a tar archive without compression."""

    def __init__(self, archive: tarfile.TarFile):
        self._archive = archive
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def has(self, path: str) -> bool:
        """See `Tree`."""
        return path in self._members

    def open(self, path: str) -> BinaryIO:
        """See `Tree`. A layer that another image of the archive has too may be a link to that one's."""
        member = self._members.get(path)
        try:
            source = self._archive.extractfile(member) if member else None
        except KeyError:
            source = None
        if source is None:
            raise ContentError(f"it has no {path}")
        return source  # type: ignore[return-value]


@contextmanager
def opened(file: Path | BinaryIO, scratch: Path) -> Iterator[Tree]:
    """Have a folder, an archive's file, or a stream of one as a tree for the body. Blocks.

    What cannot be read in any order, as it is compressed or a stream, is written into `scratch` first. Raises
    OSError, and ContentError where it is no archive.
    """
    if isinstance(file, Path) and file.is_dir():
        yield Folder(file)
        return
    with tempfile.TemporaryFile(dir=scratch) as whole:
        if isinstance(file, Path):
            with file.open("rb") as source:
                plain = _plain(source, whole)
                with _archive(plain) as archive:
                    yield archive
        else:
            with tempfile.TemporaryFile(dir=scratch) as received:
                shutil.copyfileobj(file, received, 1 << 20)
                with _archive(_plain(received, whole)) as archive:
                    yield archive


def _plain(source: BinaryIO, whole: BinaryIO) -> BinaryIO:
    """Return the source, or `whole` with what was in its compression."""
    source.seek(0)
    start = source.read(8)
    source.seek(0)
    for magic, reader in MAGIC.items():
        if start.startswith(magic):
            try:
                shutil.copyfileobj(reader(source), whole, 1 << 20)
            except BROKEN as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise ContentError(f"its compression is damaged: {error}") from error
            whole.seek(0)
            return whole
    return source


@contextmanager
def _archive(source: BinaryIO) -> Iterator[Archive]:
    try:
        archive = tarfile.open(fileobj=source, mode="r:")  # noqa: SIM115  # closed below
    except tarfile.TarError as error:
        raise ContentError("it is no archive of an image: no tar file") from error
    with archive:
        try:
            found = Archive(archive)
        except tarfile.TarError as error:
            raise ContentError(f"the archive is damaged: {error}") from error
        yield found
