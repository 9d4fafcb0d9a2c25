"""Images of a store become one archive, which is an OCI layout and what `docker load` reads at once."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec

from wherry.images.archive import dockersave, layout
from wherry.images.errors import ContentError
from wherry.images.store.store import Content, Store


def save(store: Store, images: Sequence[Content], target: BinaryIO) -> None:
    """Write images with their names. Blocks. Raises OSError, and ContentError where part of one is missing.

    What is written of an image that came as an index is this machine's platform's.
    """
    blobs: dict[str, None] = {}
    for image in images:
        parts = (image.named.manifest, image.manifest.config.digest, *(one.digest for one in image.manifest.layers))
        blobs |= dict.fromkeys(parts)
    for digest in blobs:
        if not store.has(digest):
            raise ContentError(f"the blob {digest} is not here any more: pull or load its image again")
    with tarfile.open(fileobj=target, mode="w|") as archive:
        _add(archive, layout.MARK, b'{"imageLayoutVersion": "1.0.0"}')
        _add(archive, layout.INDEX, _index(store, images))
        _add(archive, dockersave.MARK, _docker(images))
        for digest in blobs:
            _add_blob(archive, store, digest)


def _index(store: Store, images: Sequence[Content]) -> bytes:
    entries = [
        {
            "mediaType": image.manifest.media_type,
            "digest": image.named.manifest,
            "size": store.blob(image.named.manifest).stat().st_size,
            "annotations": _annotations(image.named.reference),
        }
        for image in images
    ]
    return msgspec.json.encode({"schemaVersion": 2, "manifests": entries})


def _annotations(reference: str) -> dict[str, str]:
    """Return what names an entry; one that was asked for by its digest has no name to give."""
    if "@" in reference:
        return {}
    return {layout.WHOLE_NAME: reference, layout.NAME: reference.rpartition(":")[2]}


def _docker(images: Sequence[Content]) -> bytes:
    """Return manifest.json: an entry for each image, with all its names."""
    entries: dict[str, dict[str, Any]] = {}
    for image in images:
        entry = entries.setdefault(
            image.manifest.config.digest,
            {
                "Config": layout.place(image.manifest.config.digest),
                "RepoTags": [],
                "Layers": [layout.place(one.digest) for one in image.manifest.layers],
            },
        )
        if "@" not in image.named.reference:
            entry["RepoTags"].append(image.named.reference)
    return msgspec.json.encode(list(entries.values()))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _add_blob(archive: tarfile.TarFile, store: Store, digest: str) -> None:
    with store.blob(digest).open("rb") as source:
        info = tarfile.TarInfo(layout.place(digest))
        info.size = store.blob(digest).stat().st_size
        archive.addfile(info, source)
