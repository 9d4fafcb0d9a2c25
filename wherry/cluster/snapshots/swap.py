"""What is restored takes the place of what is there: all of it, also where the machine stops half-way.

DATA/snapshots/.restored/data/    a copy of the snapshot, made first
DATA/snapshots/.restored/names    the names in it; once this file is there, the swap is begun, and `finish` ends it
"""

from __future__ import annotations

import json
from pathlib import Path

from wherry.cluster import files
from wherry.cluster.paths import Paths
from wherry.images import trees

KEPT = ("snapshots", "images", "logs", ".lock", "init.json", "merged.json")
"""What is not part of a snapshot: images are found by their digests whenever, logs go on, and the rest is of now."""
LEFT_BEHIND = ("salvaged-", "state.db-shm")
"""What is not either, by how it begins: what `doctor` put aside, and what SQLite makes anew."""
FIRST = "cluster.json"
"""So that who reads it knows what the cluster will be."""


def belongs(name: str) -> bool:
    """Tell whether an entry of a data directory is part of its snapshots."""
    return name not in KEPT and not name.startswith(LEFT_BEHIND)


def begin(paths: Paths, fresh: Path) -> None:
    """Let a folder with the copy in `data` take the place of what is there. Blocks. Raises OSError."""
    place = _place(paths)
    fresh.replace(place)
    names = sorted(entry.name for entry in (place / "data").iterdir())
    files.replace(place / "names", json.dumps(names).encode())
    finish(paths)


def finish(paths: Paths) -> None:
    """End a swap that was begun; what was copied for one that was not is removed. Safe to run twice. Blocks."""
    place = _place(paths)
    if not place.is_dir():
        return
    if (place / "names").exists():
        names = json.loads((place / "names").read_bytes())
        for entry in list(paths.data.iterdir()):
            if entry.name not in (*KEPT, *names) and not entry.name.startswith("salvaged-"):
                _remove(entry)
        for name in sorted(names, key=lambda name: name != FIRST):
            source, target = place / "data" / name, paths.data / name
            if not (source.exists() or source.is_symlink()):
                continue  # moved before
            if target.is_dir() and not target.is_symlink():
                _remove(target)
            source.replace(target)
    (place / "names").unlink(missing_ok=True)
    trees.remove(place)


def _place(paths: Paths) -> Path:
    return paths.snapshots / ".restored"


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        trees.remove(entry)
    else:
        entry.unlink()
