"""The node's own file system: the host's `/`, copy-on-write. It is what hostPath volumes see.

Changes are kept in `state_dir/upper`, so they survive `down` and `up`, and two nodes with the same path have
different files. An overlay does not show what is mounted below its lower folder: `/dev`, `/proc` and `/sys` are
bound in from the host. `/run` starts empty, as on a machine that has just booted.

What a pod of mountPropagation Bidirectional mounts in it stays mounted for the life of the sandbox, as on any node.
A path is opened once, with this file system as its root: an absolute link in it stays in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wherry.node import beneath, mounts

PASSED_THROUGH = ("dev", "proc", "sys")


class NodeFileSystem:
    """The mount at `run_dir/root`. Call `mount` before anything else; it is done once per sandbox.

    `hidden`: folders of the host that are not shown, the clusters' own data among them.
    """

    def __init__(self, state_dir: Path, run_dir: Path, hidden: Sequence[Path] = ()):
        self.root = run_dir / "root"
        self._upper = state_dir / "upper"
        self._work = state_dir / "work"
        self._hidden = [folder.resolve() for folder in (state_dir, run_dir, *hidden)]

    def mount(self) -> None:
        """Mount it, unless an earlier agent of this sandbox has."""
        if mounts.is_mounted(self.root / PASSED_THROUGH[-1]):
            return
        mounts.unmount_below(self.root)  # what an agent that was killed meanwhile has begun
        for folder in (self.root, self._upper, self._work):
            folder.mkdir(parents=True, exist_ok=True)
        mounts.overlay(self.root, lower=[Path("/")], upper=self._upper, work=self._work)
        for folder in self._hidden:
            self._hide(folder)
        mounts.tmpfs(self.root / "run")
        mounts.share(self.root)  # what a pod mounts in a hostPath, by mountPropagation, other pods' show
        for name in PASSED_THROUGH:
            mounts.bind(Path("/", name), self.root / name, recursive=True)

    def _hide(self, folder: Path) -> None:
        covered = self.root / folder.relative_to("/")
        if covered.is_dir():
            mounts.tmpfs(covered, size=1, mode=0)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Open its root; the descriptor is for `beneath.in_root`."""
        fd = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def open_special(self, path: str) -> int | None:
        """Open the host's own socket or device at `path`, None where there is none.

        It is passed through: a socket seen over an overlay would be another one. Those of a hidden folder are not.
        """
        host = os.open("/", os.O_PATH | os.O_DIRECTORY)
        try:
            fd = beneath.in_root(host, path)
        except OSError:
            return None
        finally:
            os.close(host)
        if _is_special(os.fstat(fd).st_mode) and not self._hides(Path(os.readlink(f"/proc/self/fd/{fd}"))):
            return fd
        os.close(fd)
        return None

    def _hides(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self._hidden)


def _is_special(mode: int) -> bool:
    return stat.S_ISSOCK(mode) or stat.S_ISBLK(mode) or stat.S_ISCHR(mode)
