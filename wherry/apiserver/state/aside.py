"""Stored objects that cannot be read, set aside: kept as files, so that the rest is served without them.

An object's file is `FOLDER/GROUP/PLURAL/[NAMESPACE/]NAME`, with the bytes as they were kept. While it is there, and no
object of that name, the object counts as damaged and not as gone: nobody may conclude that its dependents are orphans.
Removing the file forgets it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

REPLACED = "~replaced"
"""Ends the name of a file whose object has been made anew; no object's name has a tilde there."""


class Aside:
    """The objects set aside in `folder` (None: there is nowhere to keep them, and they stay in the store).

    `seal` returns what to keep of a key and its value: what is encrypted in the store is so here.
    """

    def __init__(self, folder: Path | None, seal: Callable[[str, bytes], bytes] = lambda _, value: value):
        self._seal = seal
        self._folder = folder
        self._files = {f"/{_key(f, folder)}": f for f in files(folder)} if folder else {}

    def __contains__(self, key: str) -> bool:
        return key in self._files

    def where(self, key: str) -> Path | None:
        """Return the file of a stored key that was set aside, if it was."""
        return self._files.get(key)

    def keep(self, key: str, value: bytes, reason: str) -> bool:
        """Keep what is stored under `key`; return whether it is safe on the disk."""
        if self._folder is None:
            log.error("a stored object is damaged and left out key=%s: %s", key, reason)
            return False
        file = self._folder.joinpath(*filter(None, key.split("/")))
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(file, self._seal(key, value))
        except OSError as error:
            log.error("a stored object is damaged and left out key=%s: %s; no copy in %s: %s", key, reason, file, error)
            return False
        self._files[key] = file
        log.error("a stored object is damaged and set aside key=%s file=%s: %s", key, file, reason)
        return True

    def replaced(self, key: str) -> None:
        """Note that there is an object of that name again: what was set aside is no longer it."""
        if (file := self._files.pop(key, None)) is not None:
            try:
                file.rename(file.with_name(file.name + REPLACED))
            except OSError as error:
                log.warning("cannot rename %s: %s", file, error)


def beside(store: Path) -> Path:
    """Return the folder in which the objects of the store at `store` are set aside."""
    return store.with_name("damaged")


def files(folder: Path) -> list[Path]:
    """Return the files of objects that are set aside and not made anew, in order."""
    return sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(REPLACED))


def _key(file: Path, folder: Path) -> str:
    """Return the stored key of a file, without its first slash; that of a cluster-scoped object has an empty part."""
    parts = file.relative_to(folder).parts
    return "/".join(parts if len(parts) != 3 else (*parts[:2], "", parts[2]))


def _write(file: Path, value: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(value)
        opened.flush()
        os.fsync(opened.fileno())
