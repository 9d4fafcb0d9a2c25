"""The root of containers that run this machine's programs: a view made for them, and no more of the machine.

    run_dir/view/root       what `/` is over: empty folders with the names that programs expect
    run_dir/view/usr, etc…  the machine's system folders, as the user nobody sees them
    run_dir/view/masks/etc  what of them is not there at all

The view is an allow-list: what is not named here is not in it. A system folder is an overlay to read only, mounted with
nobody's file credentials. The kernel looks into the folder below it with those, whoever asks (overlayfs.rst,
"Permission model"): what not everybody on this machine can read cannot be read through it by a container's root
either, also what is installed later. In /etc such files are left out by name as well.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.images import trees
from wherry.net.namespaces import on_own_thread
from wherry.node import mounts
from wherry.node.images.source import ImageFolder, ImageMount

log = logging.getLogger(__name__)

SYSTEM = ("usr", "etc", "opt", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
MASKED = "etc"
FOLDERS = {
    "home": 0o755, "media": 0o755, "mnt": 0o755, "root": 0o711, "run": 0o755, "srv": 0o755, "tmp": 0o1777,
    "var": 0o755, "var/cache": 0o755, "var/lib": 0o755, "var/local": 0o755, "var/log": 0o755, "var/opt": 0o755,
    "var/spool": 0o755, "var/tmp": 0o1777,
}  # fmt: skip
"""Empty folders and their modes. /root can be passed through: an interpreter may be mounted below it."""
OF_PACKAGES = ("var/cache", "var/lib", "var/log", "var/spool")
"""Where packages have folders of their own: these are there too, empty, with their owners."""
LINKS = {"var/run": "/run", "var/lock": "/run/lock"}
READ, PASS = stat.S_IROTH, stat.S_IROTH | stat.S_IXOTH
NOBODY = 65534
SYS_SETGROUPS = {"x86_64": 116, "ppc64le": 81, "s390x": 206, "armv7l": 206}
"""setgroups(2) by architecture, where it is not the common number (asm-generic/unistd.h)."""
PR_SET_DUMPABLE = 4

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class MachineRoot:
    """What an `Image` of this machine's programs starts from; the fields are an Image's."""

    layers: tuple[Path, ...] = ()
    folders: tuple[ImageFolder, ...] = ()
    mounts: tuple[ImageMount, ...] = ()


def prepare(run_dir: Path, state_dir: Path, hidden: Sequence[Path] = (), machine: Path = Path("/")) -> MachineRoot:
    """Make the view, unless an earlier agent of this sandbox has, and return it. Blocks. Raises OSError.

    `hidden`: folders that are not shown wherever they are.
    """
    view = run_dir / "view"
    if not mounts.is_mounted(view / MASKED):
        mounts.remove_tree(view)  # what an agent that was killed meanwhile has begun
        _make(view, machine, [state_dir, *hidden])
    shown = [name for name in SYSTEM if not (machine / name).is_symlink() and (machine / name).is_dir()]
    if _stacks(view, state_dir):
        return MachineRoot((view / "root",), folders=tuple(ImageFolder(view / name, f"/{name}") for name in shown))
    log.warning("this machine's own root is an overlay: its system folders are read-only in pods")
    return MachineRoot((view / "root",), mounts=tuple(ImageMount(view / name, f"/{name}", True) for name in shown))


def _make(view: Path, machine: Path, hidden: Sequence[Path]) -> None:
    root = view / "root"
    root.mkdir(parents=True)
    for folder in (view, root):
        folder.chmod(0o755)
    _make_empty(root, machine)
    for name in sorted(SYSTEM, key=lambda name: name == MASKED):  # the masked one last: it says that all are there
        source = machine / name
        if source.is_symlink():
            (root / name).symlink_to(source.readlink())
        elif source.is_dir():
            (root / name).mkdir()
            _show(view, source, hidden)


def _make_empty(root: Path, machine: Path) -> None:
    for name, mode in FOLDERS.items():
        (root / name).mkdir()
        (root / name).chmod(mode)
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    for above in (name for name in OF_PACKAGES if (machine / name).is_dir()):
        with os.scandir(machine / above) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    mounts.make_like(Path(entry), root / above / entry.name)


def _show(view: Path, source: Path, hidden: Sequence[Path]) -> None:
    mask, target = view / "masks" / source.name, view / source.name
    mask.parent.mkdir(exist_ok=True)
    mask.parent.chmod(0o755)
    mounts.make_like(source, mask)
    target.mkdir()
    left_out = [folder.relative_to(source) for folder in hidden if folder.is_relative_to(source)]
    if source.name == MASKED:
        left_out += unreadable(source)
    for path in left_out:
        for above in reversed(path.parents):
            mounts.make_like(source / above, mask / above)
        os.mknod(mask / path, stat.S_IFCHR, os.makedev(0, 0))  # a whiteout
    descriptors = [os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (target, mask, source)]
    try:
        opened = [Path(f"/proc/self/fd/{fd}") for fd in descriptors]  # nobody may not get as far as run_dir
        on_own_thread(lambda: _mount_as_nobody(opened[0], opened[1:]))
    finally:
        for fd in descriptors:
            os.close(fd)


def unreadable(folder: Path) -> Iterator[Path]:
    """Yield what below `folder` not everybody can read, relative to it; of a folder that is closed, only itself."""
    for above, folders, files in os.walk(folder):
        for names, wanted in ((folders, PASS), (files, READ)):
            for name in list(names):
                path = Path(above, name)
                mode = path.lstat().st_mode
                if not stat.S_ISLNK(mode) and mode & wanted != wanted:
                    yield path.relative_to(folder)
                    if names is folders:
                        folders.remove(name)


def _mount_as_nobody(target: Path, lower: Sequence[Path]) -> None:
    """Mount an overlay to read only; it keeps what the calling thread, one of its own, may do with files: nothing."""
    # The thread's own groups: glibc would set all threads'.
    if _libc.syscall(SYS_SETGROUPS.get(os.uname().machine, 159), 0, None) != 0:
        raise OSError(ctypes.get_errno(), "cannot drop the groups of a thread")
    try:
        _libc.setfsgid(NOBODY)
        _libc.setfsuid(NOBODY)  # the capabilities about files go with it (capabilities(7))
        mounts.overlay(target, lower=lower)
    finally:
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # what the process was


def _stacks(view: Path, state_dir: Path) -> bool:
    """Tell whether one more overlay fits on the view: the kernel stacks two (FILESYSTEM_MAX_STACK_DEPTH)."""
    trial, upper, work = view / "trial", state_dir / "trial" / "upper", state_dir / "trial" / "work"
    for folder in (trial, upper, work):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        mounts.overlay(trial, lower=[view / MASKED], upper=upper, work=work)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    finally:
        mounts.unmount(trial)
        trees.discard(upper.parent)
    return True
