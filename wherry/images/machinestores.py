"""The images that Docker or Podman have on this machine: pods get them without anybody having to load them.

Docker is asked by its own program. What Podman, buildah and CRI-O keep for root is looked up in their files
(containers/storage, DRIVER-images/images.json), and read by skopeo, or by podman itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from wherry.images.archive.load import load
from wherry.images.errors import PullError
from wherry.images.reference import Reference
from wherry.images.store.names import Named
from wherry.images.store.store import Store

DOCKER_SOCKET = Path("/var/run/docker.sock")
CONTAINERS = Path("/var/lib/containers/storage")
CONTAINERS_CONFIG = Path("/etc/containers/storage.conf")
PRIVATELY = ("unshare", "--mount", "--")
"""In a mount namespace of its own: who reads containers/storage leaves its folder mounted on itself."""

FIND_SECONDS = 10.0
"""How long a place may take to say whether it has an image."""

log = logging.getLogger(__name__)


class Place(Protocol):
    """Where images of this machine are."""

    async def find(self, reference: Reference) -> str | None:
        """Return the id of the image that has a name, `sha256:…`, None where none has."""
        ...

    async def write(self, reference: Reference, file: Path) -> None:
        """Write an image as `docker save` does; raises PullError."""
        ...


@dataclass(frozen=True, slots=True)
class Docker:
    """Docker, asked by its program."""

    program: str = "docker"

    async def find(self, reference: Reference) -> str | None:
        """See `Place`."""
        code, output, _ = await _run([self.program, "image", "inspect", "--format={{.Id}}", reference.full])
        return output.strip() if code == 0 else None

    async def write(self, reference: Reference, file: Path) -> None:
        """See `Place`."""
        code, _, said = await _run([self.program, "image", "save", f"--output={file}", reference.full])
        if code:
            raise PullError(f'Docker has the image "{reference.full}" and does not give it: {said}')


class _Image(msgspec.Struct):
    id: str
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Containers:
    """The images of a containers/storage folder, whatever its driver."""

    root: Path

    async def find(self, reference: Reference) -> str | None:
        """See `Place`."""
        found = await asyncio.to_thread(self._find, reference)
        return found[1] if found else None

    def _find(self, reference: Reference) -> tuple[str, str] | None:
        """Return the driver of the storage that has an image, and the image's id."""
        for file in sorted(self.root.glob("*-images/images.json")):
            try:
                images = msgspec.json.decode(file.read_bytes(), type=tuple[_Image, ...])
            except (OSError, msgspec.DecodeError):
                continue  # being written, or of no version we know
            for image in images:
                if reference.full in (image.names or ()):
                    return file.parent.name.removesuffix("-images"), f"sha256:{image.id}"
        return None

    async def write(self, reference: Reference, file: Path) -> None:
        """See `Place`."""
        found = await asyncio.to_thread(self._find, reference)
        if found is None:
            raise PullError(f'the image "{reference.full}" has gone from {self.root}')
        if shutil.which("skopeo"):
            source = f"containers-storage:[{found[0]}@{self.root}+{file.parent}/run]{reference.full}"
            target = f"docker-archive:{file}:{reference.full}"
            words = [*PRIVATELY, "skopeo", "--insecure-policy", "copy", "--quiet", source, target]
        elif shutil.which("podman"):
            words = ["podman", f"--root={self.root}", "save", "--quiet", f"--output={file}", reference.full]
        else:
            raise PullError(
                f'the image "{reference.full}" is in {self.root}, and reading it needs skopeo or podman: '
                "`apt-get install skopeo`"
            )
        code, _, said = await _run(words)
        if code:
            raise PullError(f'the image "{reference.full}" cannot be read from {self.root}: {said}')


async def _run(words: Sequence[str]) -> tuple[int, str, str]:
    """Run a program; returns its exit code, what it printed, and the last line of its complaints."""
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = complaint.decode(errors="replace").strip().splitlines()
    return process.returncode or 0, output.decode(errors="replace"), lines[-1] if lines else ""


def of_this_machine() -> list[Place]:
    """Return where images of this machine may be. Blocks."""
    places: list[Place] = []
    if shutil.which("docker") and ("DOCKER_HOST" in os.environ or DOCKER_SOCKET.exists()):
        places.append(Docker())
    return [*places, Containers(_containers())]


def _containers() -> Path:
    try:
        storage = tomllib.loads(CONTAINERS_CONFIG.read_text()).get("storage", {})
    except (OSError, ValueError):
        return CONTAINERS
    return Path(str(storage.get("graphroot") or CONTAINERS))


async def bring(store: Store, places: Sequence[Place], reference: Reference) -> Named | None:
    """Have in the store what this machine has under a name now; returns it, None where the machine has none.

    What was pulled or loaded under that name stays what it is. Raises PullError.
    """
    known = store.names.get(reference.full)
    if reference.digest or (known is not None and not known.machine):
        return None
    for place in places:
        found = await _asked(place, reference)
        if found is None:
            continue
        if known is not None and known.origin == found and await asyncio.to_thread(store.content, known) is not None:
            return known
        return await _fetch(store, place, reference, found)
    return None


async def _asked(place: Place, reference: Reference) -> str | None:
    try:
        async with asyncio.timeout(FIND_SECONDS):
            return await place.find(reference)
    except TimeoutError:
        log.warning("no answer about an image, and none is waited for: place=%s image=%s", place, reference.full)
        return None


async def _fetch(store: Store, place: Place, reference: Reference, origin: str) -> Named:
    with tempfile.TemporaryDirectory(dir=store.root / "scratch") as folder:
        file = Path(folder) / "image.tar"
        await place.write(reference, file)
        [named] = await load(store, file, reference.full)
    brought = msgspec.structs.replace(named, local=False, machine=True, origin=origin)
    store.names.put(brought)
    return brought
