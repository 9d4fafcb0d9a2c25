"""mount(2) and umount2(2) without a fork: bind mounts, tmpfs, overlay. Every function raises OSError with the path.

Calls take microseconds, but may wait for a disk: keep them off the event loop's thread.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from wherry.images import trees

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
MS_PRIVATE, MS_SHARED = 1 << 18, 1 << 20
MNT_DETACH = 2
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442  # the same numbers on every architecture
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000  # linux/fcntl.h
OPEN_TREE_CLONE, MOVE_EMPTY_PATH, MOUNT_ATTR_RDONLY, MOUNT_ATTR_IDMAP = 1, 4, 1, 0x100000  # linux/mount.h
LONGEST_OPTIONS = 4096
"""A page, with the zero at the end (mount(2))."""

MOUNTINFO = Path("/proc/self/mountinfo")

_libc = ctypes.CDLL(None, use_errno=True)


def _mount(source: str, target: Path, kind: str | None, flags: int, data: str | None = None) -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None)
    if _libc.mount(*arguments, ctypes.c_ulong(flags), os.fsencode(data) if data is not None else None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {kind or 'bind'} {source}: {os.strerror(number)}", str(target))


def bind(source: Path, target: Path, *, recursive: bool = False, shared: bool = False) -> None:
    """Show `source` (a file or a folder) at `target`, which must exist.

    What is mounted below one of them from now on shows at the other one only if that is `shared`.
    """
    _mount(str(source), target, None, MS_BIND | (MS_REC if recursive else 0))
    _mount("none", target, None, (MS_SHARED if shared else MS_PRIVATE) | (MS_REC if recursive else 0))


def share(target: Path) -> None:
    """Let what is mounted below `target` from now on show wherever that is bound to, and the other way round."""
    if not is_mounted(target):
        _mount(str(target), target, None, MS_BIND)
    _mount("none", target, None, MS_SHARED | MS_REC)


def bind_open(fd: int, target: Path, *, shared: bool = False) -> None:
    """Show the file or folder that is open as `fd` at `target`, which is made; no other path is looked up."""
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    bind(Path(f"/proc/self/fd/{fd}"), target, recursive=True, shared=shared)


class _Attributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "users"))


def show(source: Path, target: Path, users: Path | None, *, read_only: bool = False, recursive: bool = False) -> None:
    """Show `source` at `target`, which is made, its owners' ids as the user namespace at `users` maps them.

    What its root writes there is root's on disk. EINVAL says that a file system has no such mounts, an overlay for one.
    `recursive`: what is mounted below it is read-only as well.
    """
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    flags = OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    tree = _call(SYS_OPEN_TREE, source, AT_FDCWD, os.fsencode(source), ctypes.c_uint(flags))
    try:
        _set(tree, source, _Attributes(0, 0, MS_PRIVATE, 0), AT_RECURSIVE)
        if users is not None:
            with users.open("rb") as namespace:
                _set(tree, source, _Attributes(MOUNT_ATTR_IDMAP, 0, 0, namespace.fileno()), AT_RECURSIVE)
        if read_only:
            _set(tree, source, _Attributes(MOUNT_ATTR_RDONLY, 0, 0, 0), AT_RECURSIVE if recursive else 0)
        _call(SYS_MOVE_MOUNT, target, tree, b"", AT_FDCWD, os.fsencode(target), ctypes.c_uint(MOVE_EMPTY_PATH))
    finally:
        os.close(tree)


def _set(tree: int, source: Path, wanted: _Attributes, how: int) -> None:
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    _call(SYS_MOUNT_SETATTR, source, tree, b"", ctypes.c_uint(AT_EMPTY_PATH | how), ctypes.byref(wanted), size)


def _call(number: int, path: Path, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"mount: {os.strerror(ctypes.get_errno())}", str(path))
    return result


def make_private(target: Path) -> None:
    """Keep what is mounted and unmounted at and below `target` from now on to this mount namespace."""
    _mount("none", target, None, MS_PRIVATE | MS_REC)


def proc(target: Path) -> None:
    """Mount the /proc of the caller's PID namespace."""
    _mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def tmpfs(target: Path, *, size: int | None = None, mode: int = 0o755, devices: bool = False) -> None:
    """Mount an empty tmpfs of at most `size` bytes (None: the kernel's default, half of the memory).

    Device nodes in it work only with `devices`.
    """
    options = f"mode={mode:o}" + (f",size={size}" if size is not None else "")
    _mount("tmpfs", target, "tmpfs", MS_NOSUID | (0 if devices else MS_NODEV), options)


def overlay(target: Path, *, lower: Sequence[Path], upper: Path | None = None, work: Path | None = None) -> None:
    """Mount `lower` (the first is the topmost) at `target`, changes going to `upper`; without one, to read only.

    `work` is an empty folder on the file system of `upper`. A lower folder's submounts do not show.
    """
    options = ",".join(overlay_options(lower, upper, work))
    if len(os.fsencode(options)) < LONGEST_OPTIONS:
        _mount("overlay", target, "overlay", 0, options)
        return
    opened = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in lower]
    try:  # many layers: the kernel takes a page of options, and descriptors have short names
        named = [Path(f"/proc/self/fd/{fd}") for fd in opened]
        _mount("overlay", target, "overlay", 0, ",".join(overlay_options(named, upper, work)))
    finally:
        for fd in opened:
            os.close(fd)


def make_like(source: Path, target: Path) -> None:
    """Make a folder with the mode and the owner of another: in an overlay, the topmost says what a merged one has."""
    info = source.stat()
    target.mkdir(exist_ok=True)
    os.chown(target, info.st_uid, info.st_gid)
    target.chmod(stat.S_IMODE(info.st_mode))


def overlay_options(lower: Sequence[Path], upper: Path | None, work: Path | None) -> list[str]:
    """Return the options of an overlay (Documentation/filesystems/overlayfs.rst)."""
    options = ["lowerdir=" + ":".join(_escape(path) for path in lower)]
    if upper is not None and work is not None:
        options += [f"upperdir={_escape(upper)}", f"workdir={_escape(work)}"]
    return options


def _escape(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def unmount(target: Path) -> None:
    """Take the topmost mount at `target` away, at once even if it is in use; no error if there is none.

    What is mounted below it, and shared, stays where else it shows.
    """
    _keep_to_itself(target)
    if _libc.umount2(os.fsencode(target), MNT_DETACH) != 0:
        number = ctypes.get_errno()
        if number not in (22, 2):  # EINVAL: not a mount point; ENOENT
            raise OSError(number, f"unmount: {os.strerror(number)}", str(target))


def _keep_to_itself(target: Path) -> None:
    """Do as `make_private`, if anything is mounted at `target`."""
    _libc.mount(b"none", os.fsencode(target), None, ctypes.c_ulong(MS_PRIVATE | MS_REC), None)


def mount_points(mountinfo: str) -> list[Path]:
    """Return the mount points named in the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)), in its order."""
    return [Path(_unescape(line.split(" ")[4])) for line in mountinfo.splitlines() if line]


def _unescape(field: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, char)
    return field


def is_mounted(target: Path) -> bool:
    """Tell whether something is mounted exactly at `target`."""
    return target in mount_points(MOUNTINFO.read_text())


def unmount_below(folder: Path) -> None:
    """Take away every mount at or below `folder`, the deepest first."""
    found = _mounted_below(folder)
    for target in found:
        _keep_to_itself(target)
    for target in reversed(found):
        unmount(target)


def _mounted_below(folder: Path) -> list[Path]:
    return [p for p in mount_points(MOUNTINFO.read_text()) if p == folder or folder in p.parents]


def remove_tree(folder: Path) -> None:
    """Take every mount at or below `folder` away, and then the folder, never what was mounted. Raises OSError."""
    unmount_below(folder)
    if left := _mounted_below(folder):
        raise OSError(errno.EBUSY, "still mounted", str(left[0]))
    trees.discard(folder)
