"""A pod's uts and ipc namespaces, held by bind mounts as its network namespace is: no pause process is needed.

A namespace lives while something refers to it: a process, or a mount of its file in /proc (namespaces(7)). With
mounts, all of a pod's containers, including ones that are restarted, share them, and a container's death has no
effect on the others. (A shared PID namespace does need a process: `holder.py`.)
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from wherry.net import namespaces
from wherry.node import mounts

CLONE_NEWUTS, CLONE_NEWIPC = 0x04000000, 0x08000000
USERS = 65536
"""How many users a pod has of its own, as the kubelet gives (KEP-127)."""
FLAGS = {"uts": CLONE_NEWUTS, "ipc": CLONE_NEWIPC}


UNSHARED = ("unshare", "--user", "--net", "--ipc", "--uts", "sh", "-c", "echo; exec cat")
"""A process of a user namespace that has network, ipc and uts of its own: a process of threads cannot make one."""


def create_with_users(folder: Path, first: int, hostname: str) -> None:
    """Make `folder`/user, where root is `first` of the machine's users, and /net, /ipc and /uts that are its own.

    Blocks. Raises OSError.
    """
    process = subprocess.Popen(UNSHARED, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            assert process.stderr is not None
            raise OSError(f"cannot make a user namespace: {process.stderr.read().decode(errors='replace').strip()}")
        of_process = Path(f"/proc/{process.pid}")
        for kind in ("uid_map", "gid_map"):
            (of_process / kind).write_text(f"0 {first} {USERS}")
        for kind in ("user", "net", "ipc", "uts"):
            mounts.unmount(folder / kind)
            (folder / kind).touch()
            mounts.bind(of_process / "ns" / kind, folder / kind)
    finally:
        process.communicate()

    def name() -> None:
        namespaces.enter(folder / "uts", CLONE_NEWUTS)
        socket.sethostname(hostname)

    namespaces.on_own_thread(name)


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
