"""The directory nginx runs in: made safe, cleaned of a predecessor, written atomically."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import time
from pathlib import Path

from wherry.ingress.nginx.runtime import Runtime

TAKEOVER_SECONDS = 5.0


class UnsafeDirectory(Exception):
    """The directory belongs to somebody else, or is a symbolic link."""


def prepare(runtime: Runtime, fallback_certificate: str) -> None:
    """Make the directories and write the fallback certificate; raises `UnsafeDirectory` or `OSError`.

    Others may pass through the top directory, since nginx' workers may be another user, but not into `control`.
    """
    runtime.directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    status = os.lstat(runtime.directory)
    if not os.path.isdir(runtime.directory) or os.path.islink(runtime.directory) or status.st_uid != os.geteuid():
        raise UnsafeDirectory(f"{runtime.directory} must be a directory of user {os.geteuid()}")
    for directory, mode in (
        (runtime.directory, 0o711),
        (runtime.control, 0o700),
        (runtime.temp, 0o711),
        (runtime.files, 0o711),
    ):
        directory.mkdir(exist_ok=True)
        directory.chmod(mode)
    _prepare_inner(runtime)
    write(runtime.certificate, fallback_certificate, mode=0o600)


def _prepare_inner(runtime: Runtime) -> None:
    """Make the directory that workers may enter and nobody else: who connects there says who the client is."""
    runtime.inner.mkdir(exist_ok=True)
    if runtime.user and os.geteuid() == 0:
        os.chown(runtime.inner, -1, pwd.getpwnam(runtime.user).pw_gid)
    runtime.inner.chmod(0o710)


def write(path: Path, text: str, mode: int = 0o644, owner: int | None = None) -> None:
    """Replace a file's content in one step, with `mode` from its first moment on; `owner` is a user id."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        if owner is not None:
            os.fchown(file.fileno(), owner, -1)
    new.rename(path)


def living_master(runtime: Runtime) -> int | None:
    """Return the process id of the nginx that serves from this directory, or None."""
    group = _recorded_pid(runtime)
    return group if group is not None and group in _serving(group) else None


def left_behind(runtime: Runtime) -> int | None:
    """Return the process group of a nginx that serves from this directory, perhaps by its workers alone, or None.

    When its master was killed its workers live on, still listening; they are known by its process group.
    """
    group = _recorded_pid(runtime)
    return group if group is not None and _serving(group) else None


def shares_ports(conf: str) -> bool:
    """Whether another nginx may listen beside one with this configuration."""
    return " reuseport" in conf


async def take_over(runtime: Runtime, group: int | None) -> None:
    """Stop the nginx a killed predecessor left behind in this directory.

    It gets a graceful shutdown: its ports are free at once, requests under way are finished by the old workers.
    """
    if group is not None:
        deadline = time.monotonic() + TAKEOVER_SECONDS
        serving = _serving(group)
        for pid in [group] if group in serving else serving:  # a living master tells its workers itself
            os.kill(pid, signal.SIGQUIT)
        while _serving(group) - {group} and time.monotonic() < deadline:  # noqa: ASYNC110 - the processes of a dead parent
            await asyncio.sleep(0.02)


def _recorded_pid(runtime: Runtime) -> int | None:
    try:
        return int(runtime.pid.read_text())
    except (OSError, ValueError):
        return None


def _serving(group: int) -> set[int]:
    """Return the processes of a nginx that were not told to shut down; `group` is its master's id.

    A master does not say that it was told, but closes its listening sockets before it tells its workers.
    """
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {int(p.name) for p in processes if _process_group(p) == group and _is_serving(p)}


def _is_serving(process: Path) -> bool:
    try:
        title = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return title.startswith(b"nginx: ") and b"shutting down" not in title


def _process_group(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except (OSError, ValueError):
        return None
