"""Opening paths that a pod may change while we look: resolved once, by the kernel, inside a folder, to a descriptor.

What is looked at, checked and bound afterwards is the descriptor, never the path again. openat2(2) has it: Linux 5.6.

    beneath   a path below the folder; a link that leads out of it, `..` or absolute, is an error (a subPath)
    in_root   a path as if the folder were the root, absolute links included (a hostPath on the node)
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from pathlib import PurePosixPath

SYS_OPENAT2 = 437  # the same number on every architecture (asm-generic/unistd.h)
RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS = 0x08, 0x10, 0x02  # linux/openat2.h
RESOLVE_NO_SYMLINKS = 0x04
TRIES = 32
"""How often a path is tried that somebody renames folders of at this moment (EAGAIN)."""

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


Opener = Callable[[int, str, int], int]


def beneath(folder: int, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` below the open `folder`; raises OSError, EXDEV where a link leads out."""
    return _openat2(folder, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)


def in_root(folder: int, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` with the open `folder` as its root; raises OSError."""
    return _openat2(folder, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def plain(folder: int, path: str, flags: int = os.O_PATH) -> int:
    """Open `path` with the open `folder` as its root, following no link at all; raises OSError, ELOOP at a link."""
    return _openat2(folder, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS)


def _openat2(folder: int, path: str, flags: int, resolve: int) -> int:
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    for _ in range(TRIES):
        name = os.fsencode(path or ".")
        fd = int(_libc.syscall(SYS_OPENAT2, folder, name, ctypes.byref(how), ctypes.c_size_t(ctypes.sizeof(how))))
        if fd >= 0:
            return fd
        number = ctypes.get_errno()
        if number == errno.ENOSYS:
            raise OSError(number, "openat2(2) is missing: subPath and hostPath need Linux 5.6 or newer", path)
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), path)


def make_folders(folder: int, path: str, mode: int, opener: Opener) -> int:
    """Open the folder `path` by `opener` (`beneath` or `in_root`), made with `mode` where it is missing.

    Each part is opened from `folder` again, and a part is made in what the one before it was opened as. Somebody who
    swaps folders meanwhile decides where below `folder` the new one is, and nothing more. Raises OSError.
    """
    parts = PurePosixPath(path.strip("/")).parts
    above = os.dup(folder)
    for count, name in enumerate(parts, 1):
        try:
            fd = _open_or_make(folder, "/".join(parts[:count]), above, name, mode, opener)
        finally:
            os.close(above)
        above = fd
    return above


def _open_or_make(folder: int, path: str, above: int, name: str, mode: int, opener: Opener) -> int:
    try:
        return opener(folder, path, os.O_PATH)
    except FileNotFoundError:
        if name == "..":
            raise
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        return opener(folder, path, os.O_PATH)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    os.fchmod(made, mode)  # whatever the umask
    return made
