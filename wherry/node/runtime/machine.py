"""What this machine gives to containers: which OCI runtime, capabilities, memory, devices. Read once, at the start."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.node import cgroups
from wherry.node.runtime import security
from wherry.node.runtime.spec import Machine

log = logging.getLogger(__name__)

SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")
NO_DEVICE_RULES = "without CAP_SYS_RESOURCE crun cannot set device rules on cgroup v2 (runc can)"
DEVICES_LEFT_OUT = ("pts", "shm", "mqueue", "fd", "console", "ptmx", "log", "initctl")


class RuntimeMissingError(RuntimeError):
    """A program that pods need is not installed; the message says which package has it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The OCI runtime and conmon. `name` and `version` are what the Node tells (`runc://1.1.5`)."""

    runtime: Path
    conmon: Path
    name: str
    version: str


def programs(runtime: str = "auto") -> Programs:
    """Find conmon and the runtime: "crun", "runc", or "auto": the best for this machine's control groups.

    crun on cgroup v2, runc where there are v1 hierarchies, which crun does not handle when they are mixed with v2;
    either if only one is installed.
    """
    order: Sequence[str] = (runtime,)
    if runtime == "auto":
        order = ("crun", "runc") if cgroups.is_unified() else ("runc", "crun")
    found = next(((name, path) for name in order if (path := _which(name))), None)
    if found is None:
        raise RuntimeMissingError(f"no OCI runtime found ({' or '.join(order)}): apt-get install {order[0]}")
    conmon = _which("conmon")
    if conmon is None:
        raise RuntimeMissingError("conmon not found: apt-get install conmon")
    name, path = found
    return Programs(path, conmon, name, _version(path))


def _which(name: str) -> Path | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN])
    found = shutil.which(name, path=path)
    return Path(found) if found else None


def _version(binary: Path) -> str:
    """Return the version in the first line of `BINARY --version` (`runc version 1.1.5+ds1` is 1.1.5).

    Raises RuntimeMissingError when it cannot even say that.
    """
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True)
    if answer.returncode:
        complaint = " ".join(answer.stderr.split()) or f"exit code {answer.returncode}"
        raise RuntimeMissingError(f"{binary} does not run ({complaint}): install it again")
    return answer.stdout.split("\n", 1)[0].split()[-1].partition("+")[0]


def describe(programs: Programs, controllers: frozenset[str]) -> Machine:
    """Return what containers can have here, and warn about what they cannot.

    `controllers`: those of control groups that limit pods.
    """
    status = Path("/proc/self/status").read_text()
    bounding = security.bounding_set(status)
    if not (filters_calls := "\nSeccomp:" in status):
        log.warning("pods may make every system call: this kernel has no seccomp")
    if missing := cgroups.LIMITING - controllers:
        log.warning("limits of pods are not enforced, control groups here lack: %s", " ".join(sorted(missing)))
    restricts_devices = can_restrict_devices(programs, bounding)
    if not restricts_devices:
        # What a container can neither find nor make, it cannot open.
        bounding -= {"CAP_MKNOD"}
        log.warning("devices are kept from pods by having no nodes for them only: %s", NO_DEVICE_RULES)
    own_score = int(Path("/proc/self/oom_score_adj").read_text())
    return Machine(
        capabilities=bounding,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        unified_cgroups=cgroups.is_unified(),
        controllers=controllers,
        restricts_devices=restricts_devices,
        filters_calls=filters_calls,
        architecture=os.uname().machine,
        # Going below one's own score needs CAP_SYS_RESOURCE (proc_pid_oom_score_adj(5)).
        lowest_oom_score=-1000 if "CAP_SYS_RESOURCE" in bounding else own_score,
        devices=tuple(devices(Path("/dev"))),
    )


def can_restrict_devices(programs: Programs, bounding: frozenset[str]) -> bool:
    """Tell whether the runtime can set device rules, which are BPF programs on cgroup v2.

    crun lifts the limit on locked memory before it loads one, and gives up where it may not (src/libcrun/ebpf.c).
    """
    if not cgroups.is_unified() or programs.name != "crun" or "CAP_SYS_RESOURCE" in bounding:
        return True
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY


def devices(folder: Path) -> list[dict[str, object]]:
    """Return `linux.devices` for all device nodes below `folder`: what a privileged container gets."""
    found: list[dict[str, object]] = []
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() or entry.name in DEVICES_LEFT_OUT:
            continue
        info = entry.stat()
        if stat.S_ISDIR(info.st_mode):
            found += devices(entry)
        elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
            found.append(_device(entry, info))
    return found


def _device(path: Path, info: os.stat_result) -> dict[str, object]:
    return {
        "path": str(path),
        "type": "c" if stat.S_ISCHR(info.st_mode) else "b",
        "major": os.major(info.st_rdev),
        "minor": os.minor(info.st_rdev),
        "fileMode": stat.S_IMODE(info.st_mode),
        "uid": info.st_uid,
        "gid": info.st_gid,
    }
