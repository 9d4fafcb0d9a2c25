"""The node's own file system: the host's `/`, copy-on-write. It is what hostPath volumes see.

Changes are kept in `state_dir/upper`, so they survive `down` and `up`, and two nodes with the same path have
different files. An overlay does not show what is mounted below its lower folder: `/dev`, `/proc` and `/sys` are
bound in from the host, `/run` and the like start empty, as on a machine that has just booted.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from wherry.node import mounts

PASSED_THROUGH = ("dev", "proc", "sys")


class NodeFileSystem:
    """The mount at `run_dir/root`. Call `mount` before anything else; it is done once per sandbox."""

    def __init__(self, state_dir: Path, run_dir: Path):
        self.root = run_dir / "root"
        self._upper = state_dir / "upper"
        self._work = state_dir / "work"

    def mount(self) -> None:
        """Mount it, unless an earlier agent of this sandbox has."""
        if mounts.is_mounted(self.root / PASSED_THROUGH[-1]):
            return
        mounts.unmount_below(self.root)  # what an agent that was killed meanwhile has begun
        for folder in (self.root, self._upper, self._work):
            folder.mkdir(parents=True, exist_ok=True)
        mounts.overlay(self.root, lower=[Path("/")], upper=self._upper, work=self._work)
        for name in PASSED_THROUGH:
            mounts.bind(Path("/", name), self.root / name, recursive=True)

    def locate(self, path: str) -> Path:
        """Return where the node's `path` (absolute) is to be found from here.

        A socket or device of the host is passed through: seen over an overlay it would be another one.
        """
        host = Path(os.path.normpath("/" + path.lstrip("/")))
        if not host.is_relative_to("/dev") and _is_special(host):
            return host
        return self.root / host.relative_to("/")


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISSOCK(mode) or stat.S_ISBLK(mode) or stat.S_ISCHR(mode)
