"""The OCI runtime configuration (config.json) of one container. Pure: everything it depends on is passed in.

Source: opencontainers/runtime-spec config.md and config-linux.md; default mounts, masked and read-only paths as
containerd's CRI plugin sets them (internal/cri/opts, pkg/oci/spec.go).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.node.cgroups import LIMITING
from wherry.node.downward.expansion import expand
from wherry.node.images.source import Image
from wherry.node.mounts import overlay_options
from wherry.node.runtime import resources, seccomp, security
from wherry.node.runtime.security import User
from wherry.objects import Object

OCI_VERSION = "1.0.2"

MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
)  # fmt: skip
PROPAGATION = {"": "rprivate", "HostToContainer": "rslave", "Bidirectional": "rshared"}
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class Users:
    """A user namespace: its root is `first` of the machine's users, and it has `count` of them."""

    path: Path
    first: int
    count: int

    def configuration(self) -> Object:
        """Return the part of `linux` that maps them."""
        mapping = [{"containerID": 0, "hostID": self.first, "size": self.count}]
        return {"uidMappings": mapping, "gidMappings": mapping}


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The pod's namespaces by path; None shares the agent's, which is the node's.

    `pid`: of a process whose PID namespace is joined; None is one of its own. `users`: of the pod's own users.
    """

    network: Path | None
    ipc: Path | None
    uts: Path
    host_pid: bool = False
    pid: Path | None = None
    users: Users | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount into a container: `source` on the host, `target` in the container.

    `recursive`: what is mounted below it is read-only as well. `propagation`: a volumeMount's, but for None.
    """

    source: Path
    target: str
    read_only: bool = False
    recursive: bool = False
    propagation: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A folder of the host that is shown copy-on-write: what is written goes to `upper`."""

    lower: Path
    target: str
    upper: Path
    work: Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What containers on this machine can have. `controllers`: those of control groups that limits can be set for.

    recursive_read_only: what is mounted below a mount can be read-only with it; user_namespaces: pods can
    have users of their own. filters_calls: there is seccomp;
    confines: AppArmor is enabled; `architecture` is uname(2)'s.
    """

    capabilities: frozenset[str]
    memory: int
    unified_cgroups: bool
    controllers: frozenset[str] = LIMITING
    restricts_devices: bool = True
    recursive_read_only: bool = True
    user_namespaces: bool = True
    filters_calls: bool = True
    confines: bool = False
    architecture: str = "x86_64"
    lowest_oom_score: int = -1000
    devices: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One container to build a configuration for. `env` is complete; `mounts` come after the default ones.

    `seccomp`: its profile of type Localhost.
    """

    pod: Object
    container: Object
    image: Image
    user: User
    env: Mapping[str, str]
    mounts: Sequence[Mount]
    overlays: Sequence[Overlay]
    namespaces: Namespaces
    shared_memory: Path
    rootfs: Path
    cgroup: str
    hostname: str
    seccomp: Object | None = None


def arguments(container: Object, image: Image, env: Mapping[str, str]) -> list[str]:
    """Return the command line: `command` replaces the image's command and args, `args` only its args.

    An image may have it the other way round.
    """
    if image.replaces_command:
        return [*image.command, *image.args]
    command, args = container.get("command") or (), container.get("args") or ()
    expanded = [expand(word, env) for word in [*command, *args]]
    if command:
        return expanded
    return [*image.command, *(expanded or image.args)]


def build(request: Request, args: Sequence[str], machine: Machine) -> Object:
    """Return config.json."""
    container, settings = request.container, security.effective(request.pod, request.container)
    privileged = bool(settings.get("privileged"))
    linux: Object = {
        "cgroupsPath": request.cgroup,
        "namespaces": _namespaces(request.namespaces, machine),
        "resources": _resources(container, machine, privileged=privileged),
    }
    if users := request.namespaces.users:
        linux |= users.configuration()
    granted = security.capabilities(settings, machine.capabilities)
    if machine.filters_calls and (profile := seccomp.profile(settings, granted, machine.architecture, request.seccomp)):
        linux["seccomp"] = profile
    if privileged:
        linux["devices"] = list(machine.devices)
    else:
        linux["maskedPaths"] = list(MASKED)
        linux["readonlyPaths"] = list(READ_ONLY)
    if read_only_root := bool(settings.get("readOnlyRootFilesystem")):
        linux.setdefault("readonlyPaths", []).extend(one.target for one in request.overlays)
    if kinds := {mount.propagation for mount in request.mounts if mount.propagation}:
        # What runc makes of its root before it mounts anything; a slave's mounts do not get out.
        linux["rootfsPropagation"] = PROPAGATION["Bidirectional" if "Bidirectional" in kinds else "HostToContainer"]
    sysctls = (request.pod["spec"].get("securityContext") or {}).get("sysctls")
    if sysctls:
        linux["sysctl"] = {entry["name"].replace("/", "."): entry["value"] for entry in sysctls}
    config: Object = {
        "ociVersion": OCI_VERSION,
        "root": {"path": str(request.rootfs), "readonly": read_only_root},
        "process": _process(request, args, machine),
        "mounts": _default_mounts(request, privileged=privileged) + _own_mounts(request),
        "linux": linux,
    }
    return config


def limits(container: Object, machine: Machine) -> Object:
    """Return of a container's `linux.resources` what this machine can limit."""
    wanted = resources.of_container(container, unified=machine.unified_cgroups)
    return {name: limits for name, limits in wanted.items() if name in machine.controllers}


def _resources(container: Object, machine: Machine, *, privileged: bool) -> Object:
    every_device = privileged or not machine.restricts_devices
    return {**limits(container, machine), "devices": [{"allow": every_device, "access": "rwm"}]}


def _process(request: Request, args: Sequence[str], machine: Machine) -> Object:
    container, settings = request.container, security.effective(request.pod, request.container)
    granted = security.capabilities(settings, machine.capabilities)
    # As the kernel does on exec, a process that is not root starts with none. Images elsewhere then get what the
    # manifest adds from their files' capabilities; files of this machine have none, so what is added is ambient.
    takes = request.user.uid != 0 and request.image.of_this_machine
    ambient = security.added(settings, granted) if takes else []
    held = granted if request.user.uid == 0 else ambient
    score = resources.oom_score_adjust(request.pod, container, machine.memory)
    apparmor = (settings.get("appArmorProfile") or {}).get("localhostProfile") if machine.confines else None
    return {
        **({"apparmorProfile": apparmor} if apparmor else {}),
        "terminal": bool(container.get("tty")),
        "user": {
            "uid": request.user.uid,
            "gid": request.user.gid,
            "additionalGids": list(request.user.groups),
        },
        "args": list(args),
        "env": [f"{name}={value}" for name, value in request.env.items()],
        "cwd": container.get("workingDir") or request.image.working_dir or "/",
        "capabilities": {
            "bounding": granted,
            "effective": held,
            "permitted": held,
            "inheritable": ambient,
            "ambient": ambient,
        },
        "noNewPrivileges": settings.get("allowPrivilegeEscalation") is False,
        "oomScoreAdj": max(score, machine.lowest_oom_score),
    }


def _namespaces(namespaces: Namespaces, machine: Machine) -> list[Object]:
    result: list[Object] = [{"type": "mount"}]
    if namespaces.users:
        result.append({"type": "user", "path": str(namespaces.users.path)})
    if not namespaces.host_pid:
        result.append({"type": "pid", **({"path": str(namespaces.pid)} if namespaces.pid else {})})
    if machine.unified_cgroups:
        result.append({"type": "cgroup"})
    shared = {"network": namespaces.network, "ipc": namespaces.ipc, "uts": namespaces.uts}
    return result + [{"type": kind, "path": str(path)} for kind, path in shared.items() if path is not None]


def _default_mounts(request: Request, *, privileged: bool) -> list[Object]:
    mode = "rw" if privileged else "ro"
    return [
        _special("/proc", "proc", "nosuid", "noexec", "nodev"),
        _special("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        _special("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        _special("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        _special("/sys", "sysfs", "nosuid", "noexec", "nodev", mode),
        _special("/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", mode),
        # An image may have files of its own in /run.
        *([_special("/run", "tmpfs", "nosuid", "nodev", "mode=755")] if request.image.of_this_machine else []),
        _bind(Mount(request.shared_memory, "/dev/shm")),
    ]


def _special(target: str, kind: str, *options: str) -> Object:
    return {"destination": target, "type": kind, "source": kind, "options": list(options)}


def _bind(mount: Mount) -> Object:
    options = ["rbind", PROPAGATION[mount.propagation], "ro" if mount.read_only else "rw"]
    options += ["rro"] if mount.recursive else []
    return {"destination": mount.target, "type": "bind", "source": str(mount.source), "options": options}


def _overlay(one: Overlay) -> Object:
    options = overlay_options([one.lower], one.upper, one.work)
    return {"destination": one.target, "type": "overlay", "source": "overlay", "options": options}


def _own_mounts(request: Request) -> list[Object]:
    """Return the image's folders and all binds, ordered so that one inside another is mounted after it."""
    found = [*map(_overlay, request.overlays), *map(_bind, request.mounts)]
    return sorted(found, key=lambda m: m["destination"].rstrip("/").count("/"))
