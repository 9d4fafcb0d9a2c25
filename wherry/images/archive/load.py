"""The images of a file go into a store, where pods find them as if they had been pulled."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wherry.images import manifest as manifests
from wherry.images.archive import dockersave, layout
from wherry.images.archive.files import Tree, opened
from wherry.images.archive.listed import Listed
from wherry.images.errors import ContentError, PullError
from wherry.images.manifest import Descriptor, Index, Manifest
from wherry.images.reference import Reference, parse
from wherry.images.store.names import Named
from wherry.images.store.store import Store

CHUNK = 1 << 20


async def load(store: Store, file: Path | BinaryIO, name: str = "") -> list[Named]:
    """Put every image of a file (a folder, an archive, a stream of one) into the store; returns their names.

    name: what to call the one image of the file, instead of what that says. Raises PullError for what is no image, or
    none of this machine's platform; OSError where the file cannot be read.
    """
    wanted = parsed(name) if name else None
    with _told(), opened(file, store.root / "scratch") as tree:
        listed = await asyncio.to_thread(lambda: list(_images(tree)))
        if wanted and len({one.document for one in listed}) > 1:
            raise ContentError(f"it has {len(listed)} images, and one name is for one")
        if not listed:
            raise ContentError("it has no image")
        found: list[Named] = []
        async with store.adding():
            for one in listed:
                names = [wanted] if wanted else [parsed(text) for text in _names(one)]
                found += await _take(store, one, names)
        return list({named.reference: named for named in found}.values())


def _images(tree: Tree) -> Iterator[Listed]:
    """Docker's archives of today are layouts too; those know more of an image."""
    if tree.has(layout.MARK):
        return layout.images(tree)
    if tree.has(dockersave.MARK):
        return dockersave.images(tree)
    raise ContentError("it is neither an OCI layout nor what `docker save` writes")


def _names(listed: Listed) -> Sequence[str]:
    """Return an image's names; raises ContentError for one that has none, or no more than a tag."""
    if not listed.names:
        raise ContentError("an image of it has no name: say one with --tag")
    for name in listed.names:
        if "/" not in name and ":" not in name:
            raise ContentError(
                f"an image of it is called {name!r}, which may be no more than a tag: say a name with --tag"
            )
    return listed.names


def parsed(text: str) -> Reference:
    """Read the name of an image that is put here; raises PullError. A digest cannot be given to one."""
    try:
        reference = parse(text)
    except ValueError as error:
        raise PullError(str(error)) from error
    if reference.digest:
        raise PullError(f"{text}: an image is loaded under a tag; its digest is what it is")
    return reference


async def _take(store: Store, listed: Listed, names: Sequence[Reference]) -> list[Named]:
    document = listed.document
    read = manifests.read(document, listed.media_type)
    if isinstance(read, Index):
        chosen = manifests.choose(read, manifests.here())
        await _keep(store, listed, chosen)
        document = await asyncio.to_thread(store.blob(chosen.digest).read_bytes)
        read = manifests.read(document, chosen.media_type)
    if not isinstance(read, Manifest):
        raise ContentError("its index leads to another index")
    for one in (read.config, *read.layers):
        await _keep(store, listed, one)
    config = manifests.read_config(await asyncio.to_thread(store.blob(read.config.digest).read_bytes), read)
    await store.unpack(read, config)
    digest = await asyncio.to_thread(store.put, listed.document)
    found = []
    for name in names:
        named = Named(
            reference=name.full,
            digest=digest,
            manifest=await asyncio.to_thread(store.put, document),
            image=read.config.digest,
            size=read.config.size + sum(layer.size for layer in read.layers),
            local=True,
        )
        store.names.put(named)
        found.append(named)
    return found


async def _keep(store: Store, listed: Listed, wanted: Descriptor) -> None:
    async with store.fetching(wanted.digest):
        if not store.has(wanted.digest):
            await asyncio.to_thread(_copy, store, listed, wanted)


def _copy(store: Store, listed: Listed, wanted: Descriptor) -> None:
    file, found = store.partial(wanted.digest), hashlib.sha256()
    try:
        with listed.blob(wanted.digest) as source, file.open("wb") as target:
            while chunk := source.read(CHUNK):
                found.update(chunk)
                target.write(chunk)
        if found.hexdigest() != store.blob(wanted.digest).name:
            raise ContentError(f"the blob {wanted.digest} is damaged: it is sha256:{found.hexdigest()}")
        file.replace(store.blob(wanted.digest))
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise ContentError(f"the archive is damaged: {error}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise PullError("no space left on device") from error
        raise
