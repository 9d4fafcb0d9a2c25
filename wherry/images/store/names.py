"""What a name stands for: a small file for each, so that one can be written without the others.

There are two for each image that came from a registry, as in containerd: `REPOSITORY:TAG`, which moves, and
`REPOSITORY@DIGEST`, which does not. When a file was last written tells when its image was last used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

EVERYBODY = "*"


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A name and its image.

    reference: the whole name. digest: of what the registry has under it, an index or a manifest; manifest: of this
    machine's platform. image: the configuration's digest, which is the image's id. size: bytes of its content as it was
    transferred. access: who has been let in by the registry, `EVERYBODY` or marks of credentials. local: it was put
    here by hand, and could not be had again. machine: it is from Docker's or Podman's images of this machine, where its
    id is `origin`.
    """

    reference: str
    digest: str
    manifest: str
    image: str
    size: int
    access: tuple[str, ...] = (EVERYBODY,)
    local: bool = False
    machine: bool = False
    origin: str = ""


class Names:
    """The files of `folder`. All methods block, for as long as small files take."""

    def __init__(self, folder: Path):
        self.folder = folder

    def _file(self, reference: str) -> Path:
        return self.folder / hashlib.sha256(reference.encode()).hexdigest()

    def get(self, reference: str) -> Named | None:
        """Return what a whole name stands for."""
        return _read(self._file(reference))

    def put(self, named: Named) -> None:
        """Let a name stand for an image, from now on."""
        file = self._file(named.reference)
        fresh = file.with_suffix(f".{os.getpid()}.new")
        fresh.write_bytes(msgspec.json.encode(named))
        fresh.replace(file)

    def touch(self, reference: str) -> None:
        """Note that the image is being used."""
        try:
            os.utime(self._file(reference))
        except FileNotFoundError:
            return

    def used_at(self, reference: str) -> float:
        """Return when the image was last used by this name, in seconds since the epoch; 0 for never."""
        try:
            return self._file(reference).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def drop(self, reference: str) -> None:
        """Forget a name."""
        self._file(reference).unlink(missing_ok=True)

    def all(self) -> list[Named]:
        """Return every name, in alphabetical order."""
        return sorted(self._read_all(), key=lambda named: named.reference)

    def _read_all(self) -> Iterator[Named]:
        for file in self.folder.iterdir():
            if not file.suffix and (named := _read(file)) is not None:
                yield named


def _read(file: Path) -> Named | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Named)
    except (OSError, msgspec.DecodeError):
        return None
