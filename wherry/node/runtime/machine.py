"""What this machine gives to containers: which OCI runtime, capabilities, memory, devices. Read once, at the start."""

from __future__ import annotations

import logging
import os
import re
import resource
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wherry.node import cgroups
from wherry.node.runtime import security
from wherry.node.runtime.spec import Machine

log = logging.getLogger(__name__)

HANDLERS = ("runc", "crun")
"""The OCI runtimes a RuntimeClass can name, where they are installed."""

APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
RECURSIVE_KERNEL, RECURSIVE = (5, 12), {"runc": (1, 1), "crun": (1, 4)}
"""Since when a mount can be read-only with all that is mounted below it (mount_setattr(2), the option `rro`)."""

USERS_KERNEL, USERS_RUNC = (6, 3), (1, 1)
"""Since when a tmpfs has idmapped mounts, and runc opens what it binds as the machine's root. crun was not tried."""

SBIN = ("/usr/sbin", "/usr/local/sbin", "/sbin")
CRUN_LEFT_OUT = "crun runs nothing where controllers of cgroup v1 and v2 are mixed"
NO_DEVICE_RULES = "without CAP_SYS_RESOURCE crun cannot set device rules on cgroup v2 (runc can)"
DEVICES_LEFT_OUT = ("pts", "shm", "mqueue", "fd", "console", "ptmx", "log", "initctl")


class RuntimeMissingError(RuntimeError):
    """A program that pods need is not installed; the message says which package has it."""


class NoSuchHandlerError(RuntimeError):
    """A RuntimeClass names a handler that this node does not have."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The OCI runtimes and conmon. `name` and `version` are what the Node tells (`runc://1.1.5`).

    `runtime` is of pods that name no RuntimeClass; `handlers`: what a class can name.
    """

    runtime: Path
    conmon: Path
    name: str
    version: str
    handlers: Mapping[str, Path] = field(default_factory=dict)

    def of(self, handler: str) -> Path:
        """Return the OCI runtime of a handler, "" being the default. Raises NoSuchHandlerError."""
        if not handler:
            return self.runtime
        if handler not in self.handlers:
            there = " and ".join(self.handlers)
            why = f" ({CRUN_LEFT_OUT})" if handler == "crun" and not crun_works() else ""
            text = f'no runtime for "{handler}" is configured: this node has {there}{why}'
            raise NoSuchHandlerError(f"failed to get sandbox runtime: {text}")
        return self.handlers[handler]


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
    handlers = {one: there for one in HANDLERS if (there := _which(one)) and (one != "crun" or crun_works())}
    return Programs(path, conmon, name, _version(path), {**handlers, name: path})


def crun_works(root: Path = cgroups.ROOT) -> bool:
    """Tell whether crun can make control groups: not beside v1 hierarchies while v2 has controllers of its own.

    Source: crun src/libcrun/cgroup.c ("cgroups in hybrid mode not supported").
    """
    try:
        return not (root / "unified" / "cgroup.controllers").read_text().strip()
    except OSError:
        return True


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


def describe(programs: Programs, controllers: frozenset[str]) -> dict[str, Machine]:
    """Return what containers can have here, by their handler, and warn about what they cannot.

    `controllers`: those of control groups that limit pods.
    """
    status = Path("/proc/self/status").read_text()
    bounding = security.bounding_set(status)
    if not (filters_calls := "\nSeccomp:" in status):
        log.warning("pods may make every system call: this kernel has no seccomp")
    if missing := cgroups.LIMITING - controllers:
        log.warning("limits of pods are not enforced, control groups here lack: %s", " ".join(sorted(missing)))
    own_score = int(Path("/proc/self/oom_score_adj").read_text())
    machine = Machine(
        capabilities=bounding,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        unified_cgroups=cgroups.is_unified(),
        controllers=controllers,
        filters_calls=filters_calls,
        confines=APPARMOR.exists() and APPARMOR.read_text().startswith("Y"),
        architecture=os.uname().machine,
        # Going below one's own score needs CAP_SYS_RESOURCE (proc_pid_oom_score_adj(5)).
        lowest_oom_score=-1000 if "CAP_SYS_RESOURCE" in bounding else own_score,
        devices=tuple(devices(Path("/dev"))),
    )
    found = {"": _under(programs.name, programs.version, machine)}
    if not found[""].restricts_devices:
        log.warning("devices are kept from pods by having no nodes for them only: %s", NO_DEVICE_RULES)
    for name, path in programs.handlers.items():
        found[name] = found[""] if name == programs.name else _under(name, _version(path), machine)
    return found


def _under(runtime: str, version: str, machine: Machine) -> Machine:
    """Return what containers have that are run by a version of `runtime`."""
    known = _numbers(os.uname().release) >= RECURSIVE_KERNEL
    users = runtime == "runc" and _numbers(version) >= USERS_RUNC and _numbers(os.uname().release) >= USERS_KERNEL
    users = users and Path("/proc/self/ns/user").exists()
    deep = known and _numbers(version) >= RECURSIVE[runtime]
    machine = replace(machine, recursive_read_only=deep, user_namespaces=users)
    if can_restrict_devices(runtime, machine.capabilities):
        return machine
    # What a container can neither find nor make, it cannot open.
    return replace(machine, restricts_devices=False, capabilities=machine.capabilities - {"CAP_MKNOD"})


def _numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version (`6.1.0-rc2` is 6 and 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def can_restrict_devices(runtime: str, bounding: frozenset[str]) -> bool:
    """Tell whether the runtime of this name can set device rules, which are BPF programs on cgroup v2.

    crun lifts the limit on locked memory before it loads one, and gives up where it may not (src/libcrun/ebpf.c).
    """
    if not cgroups.is_unified() or runtime != "crun" or "CAP_SYS_RESOURCE" in bounding:
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
