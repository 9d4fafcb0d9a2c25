"""A pod's uts and ipc namespaces, held by bind mounts as its network namespace is: no pause process is needed.

A namespace lives while something refers to it: a process, or a mount of its file in /proc (namespaces(7)). With
mounts, all of a pod's containers, including ones that are restarted, share them, and a container's death has no
effect on the others. (A shared PID namespace does need a process: `holder.py`.)
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from pathlib import Path

from wherry.net import namespaces
from wherry.node import mounts

CLONE_NEWUTS, CLONE_NEWIPC = 0x04000000, 0x08000000
FLAGS = {"uts": CLONE_NEWUTS, "ipc": CLONE_NEWIPC}


def create(paths: Mapping[str, Path], hostname: str) -> None:
    """Make the namespaces of the kinds in `paths` ("uts", "ipc") and keep each at its path. Blocks. Raises OSError."""
    flags = sum(FLAGS[kind] for kind in paths)
    for path in paths.values():
        path.touch()

    def make() -> None:
        namespaces.unshare(flags)
        if "uts" in paths:
            socket.sethostname(hostname)
        for kind, path in paths.items():
            mounts.bind(Path(f"/proc/self/task/{threading.get_native_id()}/ns/{kind}"), path)

    namespaces.on_own_thread(make)
