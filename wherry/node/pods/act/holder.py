"""The first process of a PID namespace that a pod's containers share (`shareProcessNamespace`).

Such a namespace lives as long as its first process, so it needs one that no container is: what the kubelet's sandbox
image has as `pause`. Here it is the machine's `sleep`, in a container of its own: nobody's, without a capability, over
a root to read only, since who shares its namespace sees it as process 1 and, with the right capability, its root. It
has SIGCHLD ignored, so that the kernel reaps what containers leave to it.

run_dir/pods/UID/holder/   its OCI bundle and pid      run_dir/pods/UID/pid   the namespace (a bind mount)
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wherry.node import mounts
from wherry.node.images.machineroot import MachineRoot
from wherry.node.runtime.machine import Programs
from wherry.node.runtime.spec import MASKED, OCI_VERSION, READ_ONLY, Users
from wherry.objects import Object

NOBODY = 65535
COMMAND = ("/usr/bin/env", "--ignore-signal=CHLD", "sleep", "infinity")
SECONDS = 20.0
DEV_OPTIONS = ["nosuid", "strictatime", "mode=755", "size=64k"]


@dataclass(frozen=True, slots=True)
class Holders:
    """Starts and ends them with the OCI runtime. Methods block: call them in a thread. Raise OSError."""

    programs: Programs
    root: Path
    machine: MachineRoot
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, folder: Path, uid: str, cgroup: str, users: Users | None = None) -> None:
        """See that `folder`/pid is a PID namespace whose first process lives."""
        with self._lock:
            if not _lives(folder):
                self.release(folder, uid)
                self._start(folder, uid, cgroup, users)

    def release(self, folder: Path, uid: str) -> None:
        """End it, and with it whatever is left in its namespace. No error if there is none."""
        if (folder / "holder").exists():
            self._runtime("delete", "--force", _id(uid))
            mounts.unmount(folder / "pid")
            mounts.remove_tree(folder / "holder")

    def _start(self, folder: Path, uid: str, cgroup: str, users: Users | None) -> None:
        bundle = folder / "holder"
        bundle.mkdir()
        made = config(self.machine, f"{cgroup}/{_id(uid)}")
        if users:
            for name in ("proc", "dev"):
                (self.machine.layers[0] / name).mkdir(exist_ok=True)  # their root may make nothing there
            made["mounts"].append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": DEV_OPTIONS})
            made["linux"]["namespaces"].append({"type": "user", "path": str(users.path)})
            made["linux"] |= users.configuration()
        (bundle / "config.json").write_bytes(msgspec.json.encode(made))
        pid = bundle / "pid"
        said = self._runtime("run", "--detach", "--bundle", str(bundle), "--pid-file", str(pid), _id(uid))
        if not pid.exists():
            raise OSError(f"cannot start the holder of a shared process namespace: {said}")
        (folder / "pid").touch()
        mounts.bind(Path(f"/proc/{pid.read_text().strip()}/ns/pid"), folder / "pid")

    def _runtime(self, *words: str) -> str:
        command: Sequence[str] = [str(self.programs.runtime), "--root", str(self.root), *words]
        log = self.root / f"{words[-1]}.log"
        with log.open("wb") as said:  # a pipe would stay open in what is started
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=SECONDS, check=False)
        text = log.read_text(errors="replace").strip()
        log.unlink()
        return text


def _id(uid: str) -> str:
    return f"holder-{uid}"


def _lives(folder: Path) -> bool:
    """Tell whether the process that was started is there, and is the one of the namespace that is held."""
    try:
        pid = (folder / "holder" / "pid").read_text().strip()
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino == (folder / "pid").stat().st_ino
    except OSError:
        return False


def config(machine: MachineRoot, cgroup: str) -> Object:
    """Return the OCI configuration of a holder. Pure."""
    shown = [(one.source, one.target) for one in machine.folders]
    shown += [(one.source, one.target) for one in machine.mounts]
    return {
        "ociVersion": OCI_VERSION,
        "root": {"path": str(machine.layers[0]), "readonly": True},
        "process": {
            "user": {"uid": NOBODY, "gid": NOBODY},
            "args": list(COMMAND),
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {},
            "noNewPrivileges": True,
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            *(
                {"destination": target, "type": "bind", "source": str(source), "options": ["rbind", "ro"]}
                for source, target in shown
            ),
        ],
        "linux": {
            "cgroupsPath": cgroup,
            "namespaces": [{"type": kind} for kind in ("pid", "mount", "network", "ipc", "uts")],
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "maskedPaths": list(MASKED),
            "readonlyPaths": list(READ_ONLY),
        },
    }
