"""What pods that are gone have left on disk: emptyDirs and logs, when the agent was not there to see the pod go.

Both functions block: call them in a thread.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from wherry.images import trees


def find(state_dir: Path) -> dict[Path, str]:
    """Return the folders of pods below `state_dir`, each with its pod's uid."""
    volumes = {folder: folder.name for folder in (state_dir / "pods").glob("*")}
    logs = {folder: folder.name.rpartition("_")[2] for folder in (state_dir / "logs").glob("*_*_*")}
    return volumes | logs


def remove(folders: dict[Path, str], uids: Collection[str]) -> None:
    """Remove the folders of pods that are not among `uids`."""
    for folder, uid in folders.items():
        if uid not in uids:
            trees.discard(folder)
