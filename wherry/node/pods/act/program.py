"""Is the program that a container runs still there once its volumes are mounted?

An image map's programs are the machine's own files: a volume over their folder hides them, which the OCI runtime
calls "no such file", of a file that the user sees lying there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from wherry.node.runtime.spec import Mount


def hidden(program: str, search: str | None, mounts: Iterable[Mount]) -> str | None:
    """Return why `program` cannot run though this machine has it, or None.

    `search` is the container's PATH. Looks at files.
    """
    place = PurePosixPath(program if "/" in program else shutil.which(program, path=search) or "")
    if not place.is_absolute() or not Path(place).exists():
        return None
    over = [mount for mount in mounts if place.is_relative_to(mount.target)]
    if not over:
        return None
    mount = max(over, key=lambda mount: len(PurePosixPath(mount.target).parts))
    if (mount.source / place.relative_to(mount.target)).exists():
        return None
    return f"{place} of this machine, which the container runs, is hidden by the volume mounted at {mount.target}"
