"""The control groups of pods: one folder per pod below the node's, the containers' made by the OCI runtime in it.

Both layouts: the unified hierarchy (v2) and one hierarchy per controller (v1, hybrid). Source: cgroups(7),
the kernel's admin-guide/cgroup-v2.rst; how limits become files: kubernetes pkg/kubelet/cm/helpers_linux.go.

    /wherry-NAME-…/system            v2 only: the cluster's own processes, see `join`
    /wherry-NAME-…/NODE/podUID/ID    a container's processes

On v2 a group either has processes or hands controllers down, never both, so processes are in leaves only. With systemd
our groups are siblings of its slices, as the kubelet's are with its cgroupfs driver: systemd leaves alone what it did
not make, and cannot take from the root's cgroup.subtree_control a controller that we hand down.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
LIMITING = frozenset({"cpu", "memory", "pids"})
CPU_PERIOD_MICROSECONDS = 100_000
EMPTYING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class CgroupLimits:
    """What a pod may use: memory in bytes, CPU in millicores; None is no limit. `cpu_shares` as cgroup v1 counts.

    `pids`: processes and threads together.
    """

    memory: int | None = None
    cpu_milli: int | None = None
    cpu_shares: int = 2
    pids: int | None = None


NO_LIMITS = CgroupLimits()


def is_unified(root: Path = ROOT) -> bool:
    """Tell whether this machine has cgroup v2 alone."""
    return (root / "cgroup.controllers").exists()


def join(path: str, root: Path = ROOT) -> None:
    """Move this process, and so the children it will have, to the group `path` on v2; raises OSError.

    Out of the session or service that started it: ending that must not end a cluster (logind's KillUserProcesses=,
    systemd.kill(5)), nor shall its limits hold for one. On v1 processes stay where they are, as there is no one place.
    """
    if is_unified(root):
        folder = root / path.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.procs").write_text("0")


def prepare(path: str, root: Path = ROOT) -> frozenset[str]:
    """Make the group that pods' groups go below; return which of `LIMITING` work there. Raises OSError.

    On v2 a controller may be missing although the kernel has it: when a v1 hierarchy has it, or when this is a
    container whose processes are in the group that it sees as the root.
    """
    if not is_unified(root):
        return frozenset(name for name in LIMITING if (root / name).is_dir())
    _delegate(root, f"{path}/pods")
    handed_down = (root / path.strip("/") / "cgroup.subtree_control").read_text().split()
    return LIMITING.intersection(handed_down)


def weight(shares: int) -> int:
    """Turn v1 shares (2..262144) into v2's cpu.weight (1..10000), as the OCI runtimes do."""
    return 1 + ((max(shares, 2) - 2) * 9999) // 262142


def files(limits: CgroupLimits, *, unified: bool) -> dict[tuple[str, str], str]:
    """Return what to write: (v1 controller, file) -> text. On v2 the controller only says which one is needed."""
    quota = None if limits.cpu_milli is None else max(limits.cpu_milli * CPU_PERIOD_MICROSECONDS // 1000, 1000)
    wanted: dict[tuple[str, str], str] = {("pids", "pids.max"): str(limits.pids or "max")}
    if unified:
        wanted["cpu", "cpu.weight"] = str(weight(limits.cpu_shares))
        wanted["cpu", "cpu.max"] = f"{quota or 'max'} {CPU_PERIOD_MICROSECONDS}"
        wanted["memory", "memory.max"] = str(limits.memory or "max")
        return wanted
    wanted["cpu", "cpu.shares"] = str(limits.cpu_shares)
    wanted["cpu", "cpu.cfs_quota_us"] = str(quota or -1)
    wanted["memory", "memory.limit_in_bytes"] = str(limits.memory or -1)
    return wanted


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Return the roots of all hierarchies: one on v2, one per controller else (links like `cpu,cpuacct` once)."""
    if is_unified(root):
        return [root]
    return [entry for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.is_symlink()]


def create(path: str, limits: CgroupLimits, root: Path = ROOT) -> None:
    """Make the control group `path` (absolute, as in an OCI spec's cgroupsPath) with its limits.

    A controller this machine lacks is left out, as the kubelet's cgroup manager does. Raises OSError.
    """
    unified = is_unified(root)
    if unified:
        _delegate(root, path)
        (root / path.strip("/")).mkdir(exist_ok=True)
    else:
        for controller in {controller for controller, _ in files(limits, unified=False)}:
            if (root / controller).is_dir():
                (root / controller / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
    limit(path, limits, root)


def limit(path: str, limits: CgroupLimits, root: Path = ROOT) -> None:
    """Put limits in force in a group that is there, but those of controllers that are not. Raises OSError."""
    unified = is_unified(root)
    for (controller, name), text in files(limits, unified=unified).items():
        target = (root if unified else root / controller) / path.lstrip("/") / name
        if target.exists():
            target.write_text(text)


def _delegate(root: Path, path: str) -> None:
    """Hand every controller there is down from the root to the parent of `path` (cgroup.subtree_control)."""
    folder = root
    for part in path.strip("/").split("/"):
        folder.mkdir(exist_ok=True)
        for controller in (folder / "cgroup.controllers").read_text().split():
            _write_if_allowed(folder / "cgroup.subtree_control", f"+{controller}")
        folder = folder / part


def _write_if_allowed(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        # EBUSY, EINVAL: the controller cannot be delegated from here; its limits are then left out below.
        if error.errno not in (errno.EBUSY, errno.EINVAL, errno.ENOENT, errno.EOPNOTSUPP):
            raise


def remove_tree(path: str, root: Path = ROOT) -> None:
    """Remove the control group `path` and all below it, in every hierarchy; what does not exist is fine.

    Waits up to two seconds for processes that are still dying; raises OSError (EBUSY) when some stay.
    """
    deadline = time.monotonic() + EMPTYING_SECONDS
    for hierarchy in hierarchies(root):
        top = hierarchy / path.strip("/")
        if top != hierarchy:
            _remove(top, deadline)


def _remove(top: Path, deadline: float) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        while True:
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                break
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                if time.monotonic() > deadline:
                    raise OSError(error.errno, f"still in use, by {_users(Path(folder))}", folder) from error
                time.sleep(0.01)
            else:
                break


def _users(folder: Path) -> str:
    """Say which processes are in a group. Those of a PID namespace out of sight read as 0 on v2, as nothing on v1."""
    pids = [pid for pid in (folder / "cgroup.procs").read_text().split() if pid != "0"]
    return "process " + ", ".join(pids) if pids else "processes of another PID namespace"
