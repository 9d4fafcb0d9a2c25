"""An image is fetched: from the first endpoint that has it, what is not here yet, and unpacked."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import aiohttp

from wherry.images import credentials
from wherry.images import manifest as manifests
from wherry.images.credentials import Credential, Keyring
from wherry.images.errors import ContentError, PullError, RegistryError
from wherry.images.manifest import Descriptor, Index, Manifest
from wherry.images.reference import Reference
from wherry.images.registries import Endpoint, Registries
from wherry.images.registry.client import Document, Repository
from wherry.images.store.names import EVERYBODY, Named
from wherry.images.store.store import Content, Store, digest_of_file

LAYERS_AT_ONCE = 3
TRIES = 4
PAUSE_SECONDS = 0.5
CHUNK = 1 << 18

Progress = Callable[[str, int, int], None]
"""Told of each blob as it comes: its digest, and how many bytes of how many are here."""


def _untold(digest: str, done: int, size: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Puller:
    """Fetches images into a store. `session`: see `Vantage.session`; `machine`: what everybody on it may use."""

    store: Store
    registries: Registries
    session: aiohttp.ClientSession
    machine: Callable[[], Keyring] = credentials.of_this_machine

    async def pull(self, reference: Reference, own: Sequence[Keyring] = (), progress: Progress = _untold) -> Content:
        """Return what the registry has under `reference` now, fetched as far as it is not here.

        `own`: the credentials of who asks, which come before the machine's. Raises PullError, saying what each
        endpoint said.
        """
        said: dict[str, RegistryError] = {}  # by place, whatever the scheme
        for endpoint in self.registries.endpoints(reference):
            place = f"{endpoint.host}{endpoint.prefix}/{endpoint.repository}"
            if place in said and said[place].status:
                continue  # it has answered, over TLS
            try:
                async with self.store.adding():
                    return await self._from(endpoint, reference, own, progress)
            except RegistryError as error:
                said[place] = error
            except OSError as error:
                raise PullError(f'failed to pull image "{reference.full}": {_told(error)}') from error
            except ContentError as error:
                raise ContentError(f'failed to pull image "{reference.full}": {error.message}') from error
        why = "; ".join(error.message for error in said.values())
        raise PullError(f'failed to pull image "{reference.full}": {why}')

    async def _from(
        self, endpoint: Endpoint, reference: Reference, own: Sequence[Keyring], progress: Progress
    ) -> Content:
        theirs, everybodys = await self._credentials(endpoint, reference, own)
        repository = Repository(self.session, self.registries, endpoint, [*theirs, *everybodys])
        document = await self._document(repository, reference)
        parsed, listed = manifests.read(document.data, document.media_type), document
        if isinstance(parsed, Index):
            chosen = manifests.choose(parsed, manifests.here())
            document = await self._known(repository, chosen.digest)
            parsed = manifests.read(document.data, document.media_type)
        if not isinstance(parsed, Manifest):
            raise ContentError("its index leads to another index")
        await self._content(repository, parsed, progress)
        for one in (listed, document):
            await asyncio.to_thread(self.store.put, one.data)
        used = repository.used
        access = used.mark if used is not None and used in theirs else EVERYBODY
        named = self._named(reference, listed.digest, document.digest, parsed, access)
        content = self.store.content(named)
        if content is None:
            raise ContentError("part of it has gone while it was fetched")
        return content

    async def _credentials(
        self, endpoint: Endpoint, reference: Reference, own: Sequence[Keyring]
    ) -> tuple[list[Credential], list[Credential]]:
        """Return who to ask as: whom only the asker may be, and whom everybody on this machine may."""
        host = endpoint.host if self._is_mirror(endpoint, reference) else reference.registry
        theirs = credentials.merged(own).find(host, endpoint.repository)
        of_file = self.registries.credentials(endpoint.host).find(endpoint.host, endpoint.repository)
        keyring = await asyncio.to_thread(self.machine)
        everybodys = [*of_file, *keyring.find(host, endpoint.repository)]
        if not everybodys:
            everybodys = await keyring.ask_helpers(host)
        return theirs, everybodys

    def _is_mirror(self, endpoint: Endpoint, reference: Reference) -> bool:
        mirror = self.registries.mirror(reference.registry)
        return mirror is not None and f"{endpoint.scheme}://{endpoint.host}{endpoint.prefix}" in {
            url.rstrip("/").removesuffix("/v2") for url in mirror.endpoint
        }

    async def _document(self, repository: Repository, reference: Reference) -> Document:
        """Return what the reference stands for; of what is here already no more than its digest is asked for."""
        wanted, known = reference.wanted, self.store.names.get(reference.full)
        if known is not None and await repository.digest(wanted) == known.digest:
            return await self._known(repository, known.digest)
        return await repository.document(wanted)

    async def _known(self, repository: Repository, digest: str) -> Document:
        """Return the document of a digest, from the store where that has it."""
        try:
            return Document(await asyncio.to_thread(self.store.blob(digest).read_bytes), "", digest)
        except FileNotFoundError:
            return await repository.document(digest)

    async def _content(self, repository: Repository, manifest: Manifest, progress: Progress) -> None:
        """Fetch and unpack what the manifest lists, several layers at once."""
        if manifest.config.size > manifests.LARGEST_DOCUMENT:
            raise ContentError("its configuration is larger than 8 MiB")
        await self._fetch(repository, manifest.config, progress)
        data = await asyncio.to_thread(self.store.blob(manifest.config.digest).read_bytes)
        config = manifests.read_config(data, manifest)
        turns = asyncio.Semaphore(LAYERS_AT_ONCE)

        async def layer(one: Descriptor, diff_id: str) -> None:
            async with turns:
                await self._fetch(repository, one, progress)
            await self.store.layers.unpack(self.store.blob(one.digest), manifests.COMPRESSIONS[one.media_type], diff_id)

        try:
            async with asyncio.TaskGroup() as tasks:
                for one, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True):
                    tasks.create_task(layer(one, diff_id))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _fetch(self, repository: Repository, wanted: Descriptor, progress: Progress) -> None:
        """Fetch a blob; a connection that breaks is taken up where it broke. Raises RegistryError, ContentError."""
        async with self.store.fetching(wanted.digest):
            for left in reversed(range(TRIES)):
                if self.store.has(wanted.digest):
                    progress(wanted.digest, wanted.size, wanted.size)
                    return
                try:
                    await self._receive(repository, wanted, progress)
                except RegistryError as error:
                    if not left or 400 <= error.status < 500:
                        raise
                    await asyncio.sleep(PAUSE_SECONDS * (TRIES - left))
        if not self.store.has(wanted.digest):
            raise RegistryError(f"{repository.endpoint.base}/blobs/{wanted.digest}: it ends before it is whole")

    async def _receive(self, repository: Repository, wanted: Descriptor, progress: Progress) -> None:
        file = self.store.partial(wanted.digest)
        here = file.stat().st_size if file.exists() else 0
        if here < wanted.size:
            async with repository.blob(wanted.digest, here) as answer:
                here = here if answer.status == 206 else 0
                with _written(file, more=here > 0) as target:
                    async for chunk in answer.content.iter_chunked(CHUNK):
                        here += len(chunk)
                        if here > wanted.size:
                            file.unlink()
                            raise ContentError(f"the blob {wanted.digest} is longer than its manifest says")
                        await asyncio.to_thread(target.write, chunk)
                        progress(wanted.digest, here, wanted.size)
        if here == wanted.size:
            await self._keep(file, wanted)

    async def _keep(self, file: Path, wanted: Descriptor) -> None:
        if not file.exists():
            file.touch()  # a blob of no bytes
        found = await asyncio.to_thread(digest_of_file, file)
        if found != wanted.digest:
            file.unlink()
            raise ContentError(f"the blob {wanted.digest} is damaged: it is {found}")
        file.replace(self.store.blob(wanted.digest))

    def _named(self, reference: Reference, digest: str, manifest_digest: str, manifest: Manifest, access: str) -> Named:
        """Name what has come, by its tag and by its digest; returns the name that was asked for."""
        for name in dict.fromkeys((reference.at(digest), reference.full)):
            known = self.store.names.get(name)
            let_in = known.access if known is not None and known.digest == digest else ()
            named = Named(
                reference=name,
                digest=digest,
                manifest=manifest_digest,
                image=manifest.config.digest,
                size=manifest.config.size + sum(layer.size for layer in manifest.layers),
                access=(EVERYBODY,) if access == EVERYBODY else tuple(dict.fromkeys((*let_in, access))),
            )
            self.store.names.put(named)
        return named


@contextmanager
def _written(file: Path, *, more: bool) -> Iterator[BinaryIO]:
    """Open a file for what comes, after what is in it with `more`; one that the disk has no room for goes at once."""
    try:
        with file.open("ab" if more else "wb") as target:
            yield target
    except OSError as error:
        if error.errno == errno.ENOSPC:
            file.unlink(missing_ok=True)
        raise


def _told(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "no space left on device"
    return f"{error.filename or 'its files'}: {(error.strerror or str(error)).lower()}"
