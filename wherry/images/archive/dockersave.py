"""Images as `docker save` lists them in `manifest.json`, with each layer a tar file; Podman writes the same.

Source: moby/moby image/tarexport; such an image has no manifest of a registry's, so that one is made for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from wherry.images import manifest as manifests
from wherry.images.archive import files
from wherry.images.archive.files import Tree
from wherry.images.archive.listed import Listed
from wherry.images.errors import ContentError
from wherry.images.manifest import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, Descriptor, Manifest

MARK = "manifest.json"
GZIP = b"\x1f\x8b"
CHUNK = 1 << 20


class Saved(msgspec.Struct, rename="pascal"):
    """An entry of manifest.json: paths in the archive, and names, none for what was saved by its id."""

    config: str
    layers: tuple[str, ...]
    repo_tags: tuple[str, ...] | None = None


def images(tree: Tree) -> Iterator[Listed]:
    """Yield the images of an archive. Reads every layer, for its digest. Raises ContentError."""
    try:
        entries = msgspec.json.decode(files.document(tree, MARK), type=tuple[Saved, ...])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ContentError(f"its {MARK} cannot be read: {error}") from error
    for entry in entries:
        yield _listed(tree, entry)


def _listed(tree: Tree, entry: Saved) -> Listed:
    config = files.document(tree, entry.config)
    described = [_describe(tree, path) for path in entry.layers]
    places = dict(zip((one.digest for one in described), entry.layers, strict=True))
    of_config = Descriptor(DOCKER_CONFIG, manifests.digest_of(config), len(config))
    places[of_config.digest] = entry.config
    manifest = Manifest(of_config, tuple(described), media_type=DOCKER_MANIFEST)
    return Listed(
        names=tuple(entry.repo_tags or ()),
        document=msgspec.json.encode(manifest),
        media_type=DOCKER_MANIFEST,
        blob=lambda digest: tree.open(places[digest]),
    )


def _describe(tree: Tree, path: str) -> Descriptor:
    with tree.open(path) as source:
        start = chunk = source.read(CHUNK)
        size, found = 0, hashlib.sha256()
        while chunk:
            size += len(chunk)
            found.update(chunk)
            chunk = source.read(CHUNK)
    kind = f"{DOCKER_LAYER}.gzip" if start.startswith(GZIP) else DOCKER_LAYER
    return Descriptor(kind, f"sha256:{found.hexdigest()}", size)
