"""The sandbox: a PID and a mount namespace that hold a whole cluster (pid_namespaces(7), mount_namespaces(7)).

`spawn` starts ``python -m wherry.cluster.sandbox`` detached; that process makes the namespaces, forks the init and
leaves. When the init dies, the kernel ends every process inside, and with the last of them every mount and network
namespace goes.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from setproctitle import setproctitle

from wherry.cluster import files
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.paths import RUN, Paths
from wherry.net import namespaces
from wherry.node import cgroups, mounts

CLONE_NEWNS = 0x00020000  # linux/sched.h
CLONE_NEWPID = 0x20000000


def spawn(paths: Paths, listeners: Mapping[str, socket.socket]) -> None:
    """Start the sandbox of the cluster at `paths`, giving its init the host-side listening sockets by name.

    Returns once the init's identity is in `paths.init`. Raises OSError with the reason, or the log's last lines, if it
    never is.
    """
    paths.logs.mkdir(parents=True, exist_ok=True)
    described = json.dumps({name: s.fileno() for name, s in listeners.items()})
    log = paths.logs / "init.log"
    reason, words = os.pipe()
    with log.open("ab") as output, os.fdopen(reason, "rb") as heard:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "wherry.cluster.sandbox", str(paths.data), described, str(words)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[words, *(s.fileno() for s in listeners.values())],
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
        os.close(words)
        said = heard.read().decode(errors="replace")
        if process.wait():
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
            raise OSError(f"the sandbox did not start: {said}" if said else f"{_NOT_STARTED} {log}:\n{tail}")


_NOT_STARTED = "the sandbox did not start; the end of"


def _environment() -> dict[str, str]:
    """Return what the sandbox's processes find in their environment.

    They bring the cluster's CA along wherever they use TLS. Their HTTP library reads the system's 150 roots besides
    when it is imported, which takes 20 ms and 2 MB, part of it in each process.
    """
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"  # su leaves them out
    return {**os.environ, "PATH": path, "SSL_CERT_FILE": os.devnull}


def running(paths: Paths) -> int | None:
    """Return the host's pid of the cluster's init, or None when it is not running."""
    try:
        saved = json.loads(paths.init.read_bytes())
        pid, started = int(saved["pid"]), str(saved["started"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return pid if _start_time(pid) == started else None


def since(paths: Paths) -> float | None:
    """Return when the running sandbox began, in seconds since the epoch, or None when there is none."""
    if running(paths) is None:
        return None
    return float(json.loads(paths.init.read_bytes())["since"])


def stop(pid: int, grace_seconds: float) -> None:
    """End the init `pid` (and so the sandbox): SIGTERM, then SIGKILL. Returns when it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not _ended(handle, grace_seconds):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            _ended(handle, 30.0)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def _ended(handle: int, seconds: float) -> bool:
    readable, _, _ = select.select([handle], [], [], seconds)
    return bool(readable)


def _start_time(pid: int) -> str | None:
    """The process's start time in clock ticks since boot (proc_pid_stat(5), field 22): pid and this never recur."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _main(data: str, listeners: str, words: int) -> None:
    """Run in the detached process: namespaces, init, leave. What goes wrong is said on the pipe `words`."""
    paths = Paths(Path(data))
    try:
        config = ClusterConfig.load(paths.config)
        cgroups.join(f"{paths.cgroup}/system")
        namespaces.unshare(CLONE_NEWNS | CLONE_NEWPID)
        gate, opener = os.pipe()
        pid = os.fork()
        if pid:
            identity = {"pid": pid, "started": _start_time(pid), "since": time.time()}
            files.replace(paths.init, json.dumps(identity).encode())
            os.write(opener, b".")
            os._exit(0)
    except (OSError, ConfigError) as error:
        os.write(words, (files.told(error) if isinstance(error, OSError) else str(error)).encode())
        os._exit(1)
    os.close(words)
    os.close(opener)
    if not os.read(gate, 1):
        os._exit(1)  # nobody could find an init that is written down nowhere
    os.close(gate)
    _init(config, paths, json.loads(listeners))


def _init(config: ClusterConfig, paths: Paths, listeners: Mapping[str, int]) -> None:
    """PID 1: private mounts, the network, the components."""
    from wherry.cluster import components, membership, topology
    from wherry.cluster.supervisor import Supervisor
    from wherry.telemetry import log, logfile

    logfile.redirect(paths.logs / "init.log")
    log.setup("init")
    _mounts()
    setproctitle(f"wherry: init of {config.name}, {paths.data}")
    topology.build(config)
    sockets = components.Sockets(config, {name: socket.socket(fileno=fd) for name, fd in listeners.items()})
    members = membership.Members(config, paths, sockets)
    try:
        Supervisor(components.of(config, paths, sockets), paths.logs, members.again).run()
    finally:
        logging.shutdown()


def _mounts() -> None:
    """Keep our mounts to ourselves; /proc of the new PID namespace; a tmpfs for what lives as long as we do."""
    mounts.make_private(Path("/"))
    mounts.proc(Path("/proc"))
    RUN.mkdir(parents=True, exist_ok=True)
    mounts.tmpfs(RUN, devices=True)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
