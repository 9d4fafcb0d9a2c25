"""Seccomp profiles of type Localhost: JSON files in the kubelet's folder on the node's own file system.

Source: k8s.io/api/core/v1 SeccompProfile; kubernetes pkg/kubelet/kuberuntime/helpers.go (fieldSeccompProfile);
opencontainers/runtime-spec config-linux.md (`linux.seccomp`), which is the format of the files.
"""

from __future__ import annotations

import errno
import os
import stat

import msgspec

from wherry.node import beneath
from wherry.node.filesystem import NodeFileSystem
from wherry.objects import Object

FOLDER = "/var/lib/kubelet/seccomp"
LARGEST = 1 << 20


class ProfileError(ValueError):
    """A profile cannot be had, or is none; the message says which and why."""


def load(files: NodeFileSystem, name: str) -> Object:
    """Return `linux.seccomp` as the file `name` in the folder has it. Blocks. Raises ProfileError.

    Links are followed while they stay in the folder: what is elsewhere on the node is no profile.
    """
    try:
        text = _read(files, name)
        profile = msgspec.json.decode(text, type=dict)
    except (OSError, msgspec.DecodeError, ValueError) as error:
        raise ProfileError(f'cannot load seccomp profile "{FOLDER}/{name}": {_why(error)}') from error
    if not isinstance(profile.get("defaultAction"), str):
        raise ProfileError(f'cannot load seccomp profile "{FOLDER}/{name}": it has no defaultAction')
    return profile


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        leads_out = error.errno == errno.EXDEV
        return "a link leads out of the folder" if leads_out else str(error.strerror or error)
    return str(error)


def _read(files: NodeFileSystem, name: str) -> bytes:
    with files.opened() as root:
        folder = beneath.in_root(root, FOLDER, os.O_PATH | os.O_DIRECTORY)
    try:
        fd = beneath.beneath(folder, name, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would be waited for
    finally:
        os.close(folder)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("it is no file")
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise ValueError(f"it has more than {LARGEST} bytes")
    return text
