"""Where images are: content by its digest, layers as folders, and names. For a cluster's nodes.

ROOT/blobs/HEX        manifests, indexes, configurations and layers as they came    ROOT/partial/HEX  what is on its way
ROOT/layers/HEX/      a layer's files as an overlay's lower folder, by diff id      ROOT/scratch/     folders being made
ROOT/names/           what names stand for                                          ROOT/locks/

There is no index and no service: a name's file says all, whoever reads it. Processes meet in locks: one for each digest
that is fetched or unpacked, and one for all, which who adds shares and who sweeps has alone.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wherry.images import manifest as manifests
from wherry.images import trees
from wherry.images.errors import ContentError
from wherry.images.manifest import Config, Manifest
from wherry.images.store.layers import Layers
from wherry.images.store.locks import locked
from wherry.images.store.names import Named, Names

FOLDERS = ("blobs", "partial", "layers", "scratch", "names", "locks")
STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Content:
    """An image that is here as a whole. `layers`: folders, the topmost first."""

    named: Named
    manifest: Manifest
    config: Config
    layers: tuple[Path, ...]


class Store:
    """The images of `root`, which is made. `users`: a folder per node with `containers/ID/image` for what is in use."""

    def __init__(self, root: Path, users: Path | None = None):
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self.names = Names(root / "names")
        self.layers = Layers(root / "layers", root / "locks", root / "scratch")
        self._users = users

    def blob(self, digest: str) -> Path:
        """Return where a blob is, there or not."""
        manifests.check_digest(digest)
        return self.root / "blobs" / digest.partition(":")[2]

    def partial(self, digest: str) -> Path:
        """Return where a blob is while it is fetched."""
        return self.root / "partial" / self.blob(digest).name

    def has(self, digest: str) -> bool:
        """Tell whether a blob is here as a whole."""
        return self.blob(digest).exists()

    def put(self, data: bytes) -> str:
        """Keep a document; returns its digest. Blocks."""
        digest = manifests.digest_of(data)
        if not self.has(digest):
            fresh = self.partial(digest)
            fresh.write_bytes(data)
            fresh.replace(self.blob(digest))
        return digest

    @asynccontextmanager
    async def adding(self) -> AsyncIterator[None]:
        """Keep sweepers out while content comes that no name stands for yet."""
        async with locked(self.root / "locks" / "all", shared=True):
            yield

    @asynccontextmanager
    async def fetching(self, digest: str) -> AsyncIterator[None]:
        """Be the only one that fetches a blob."""
        async with locked(self.root / "locks" / f"blob-{self.blob(digest).name}"):
            yield

    def find(self, reference: str) -> Content | None:
        """Return the image of a whole name, if all of it is here. Blocks."""
        named = self.names.get(reference)
        return self.content(named) if named else None

    def content(self, named: Named) -> Content | None:
        """Return what a name stands for, None where part of it is missing or damaged. Blocks."""
        parts = self._parts(named.manifest)
        if parts is None:
            return None
        manifest, config = parts
        folders = [self.layers.place(diff_id) for diff_id in config.rootfs.diff_ids]
        if not all(folder.is_dir() for folder in folders):
            return None
        return Content(named, manifest, config, tuple(reversed(folders)))

    async def unpack(self, manifest: Manifest, config: Config) -> None:
        """Unpack the layers that are not yet, one after the other. Raises ContentError."""
        for layer, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True):
            await self.layers.unpack(self.blob(layer.digest), manifests.COMPRESSIONS[layer.media_type], diff_id)

    def in_use(self) -> set[str]:
        """Return the manifests of the images that containers run on. Blocks."""
        if self._users is None:
            return set()
        return set(_contents(self._users.glob("*/containers/*/image")))

    async def sweep(self) -> int:
        """Remove what no name and no container needs; returns the bytes of blobs that went. Waits for who adds."""
        async with locked(self.root / "locks" / "all"):
            return self._sweep()

    def _sweep(self) -> int:
        manifest_digests = {named.manifest for named in self.names.all()} | self.in_use()
        blobs = {named.digest for named in self.names.all()} | manifest_digests
        folders: set[str] = set()
        for digest in manifest_digests:
            if parts := self._parts(digest):
                manifest, config = parts
                blobs |= {manifest.config.digest, *(layer.digest for layer in manifest.layers)}
                folders |= {self.layers.place(diff_id).name for diff_id in config.rootfs.diff_ids}
        freed = _drop((self.root / "blobs").iterdir(), {digest.partition(":")[2] for digest in blobs})
        for folder in [f for f in self.layers.folder.iterdir() if f.name not in folders]:
            doomed = self.root / "scratch" / f"gone-{folder.name}"
            folder.replace(doomed)
            trees.discard(doomed)
        self._tidy()
        return freed

    def _tidy(self) -> None:
        """Remove what was cut short: nobody adds now."""
        for folder in (self.root / "scratch").iterdir():
            trees.discard(folder)
        for file in (self.root / "partial").iterdir():
            if time.time() - file.stat().st_mtime > STALE_SECONDS:
                file.unlink(missing_ok=True)

    def _parts(self, digest: str) -> tuple[Manifest, Config] | None:
        """Return a manifest and its configuration, None where one of them is missing or damaged."""
        try:
            manifest = manifests.read(self.blob(digest).read_bytes())
            if isinstance(manifest, Manifest):
                return manifest, manifests.read_config(self.blob(manifest.config.digest).read_bytes(), manifest)
        except (OSError, ValueError, ContentError):
            pass
        return None


def digest_of_file(file: Path) -> str:
    """Return a file's digest. Blocks."""
    with file.open("rb") as source:
        return f"sha256:{hashlib.file_digest(source, 'sha256').hexdigest()}"


def _contents(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        try:
            yield file.read_text()
        except OSError:  # its container has just gone
            continue


def _drop(files: Iterable[Path], kept: set[str]) -> int:
    freed = 0
    for file in files:
        if file.name not in kept:
            freed += file.stat().st_size
            file.unlink(missing_ok=True)
    return freed
