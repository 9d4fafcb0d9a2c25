"""A blob becomes a folder: unpacked by a process that is locked into it, and in its place only when it is whole."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from wherry.images import trees
from wherry.images.errors import ContentError
from wherry.images.store.locks import locked

LARGEST_COMPLAINT = 1000


class Layers:
    """The folders of `folder`, by the digest of what is in them; `locks` and `scratch` are on the same file system."""

    def __init__(self, folder: Path, locks: Path, scratch: Path, at_once: int = 2):
        self.folder = folder
        self._locks = locks
        self._scratch = scratch
        self._turns = asyncio.Semaphore(at_once)

    def place(self, diff_id: str) -> Path:
        """Return the folder of a layer, there or not."""
        return self.folder / diff_id.partition(":")[2]

    async def unpack(self, blob: Path, compression: str, diff_id: str) -> None:
        """Unpack a layer, unless it is there. Raises ContentError where it is not what its digest says."""
        place = self.place(diff_id)
        if place.is_dir():
            return
        async with locked(self._locks / place.name), self._turns:
            if place.is_dir():  # by whoever held the lock
                return
            fresh = Path(tempfile.mkdtemp(dir=self._scratch, prefix="layer-"))
            try:
                fresh.chmod(0o755)
                found = await _run(blob, compression, fresh)
                if found != diff_id:
                    raise ContentError(f"a layer is damaged: it unpacks to {found}, and should to {diff_id}")
                fresh.rename(place)
            except BaseException:
                await asyncio.to_thread(trees.discard, fresh)
                raise


async def _run(blob: Path, compression: str, folder: Path) -> str:
    """Unpack a blob into a folder; returns the digest of what was in it."""
    with blob.open("rb") as source:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "wherry.images.store.unpack", compression, str(folder)),
            stdin=source,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
        )
    try:
        output, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        why = " ".join(complaint.decode(errors="replace").split())[-LARGEST_COMPLAINT:]
        raise ContentError(
            f"failed to unpack a layer: {why or f'the unpacking process ended with {process.returncode}'}"
        )
    return str(json.loads(output)["diff_id"])
