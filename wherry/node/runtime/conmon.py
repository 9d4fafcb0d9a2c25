"""Starting a container under conmon, and noticing its end.

conmon is the container's parent: it writes the log, keeps the attach socket and the exit code, and so lets the agent be
killed and come back. It has no library; its command line and its pipes are documented in conmon(8) and its source.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

_logrus = re.compile(r'level=(?:error|fatal) msg="((?:[^"\\]|\\.)*)"')

LOG_SIZE_LIMIT = 50 << 20
LOST_EXIT_CODE = 137
ENDING_SECONDS = 5.0


class CreateError(Exception):
    """The OCI runtime could not create the container; the message is the runtime's."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One container to start: `bundle` holds its config.json and will hold conmon's files; `short` names the socket."""

    id: str
    bundle: Path
    log: Path
    sockets: Path
    terminal: bool = False
    stdin: bool = False
    stdin_once: bool = False

    @property
    def attach_socket(self) -> Path:
        """Where conmon listens: a short path, since a unix socket's may have 107 characters (unix(7))."""
        return self.sockets / self.id[:12] / "attach"


class _Answer(msgspec.Struct):
    """What conmon writes to its sync pipe: the container's pid, or -1 and why."""

    data: int
    message: str = ""


def command(launch: Launch, conmon: Path, runtime: Path, runtime_args: Sequence[str]) -> list[str]:
    """Return conmon's command line."""
    words = [str(conmon), "--api-version", "1", "-c", launch.id, "-u", launch.id[:12], "-n", launch.id[:12]]
    words += ["-r", str(runtime)]
    for argument in runtime_args:
        words += ["--runtime-arg", argument]
    words += ["-b", str(launch.bundle), "--persist-dir", str(launch.bundle)]
    words += ["-p", str(launch.bundle / "pid"), "-P", str(launch.bundle / "conmon.pid")]
    words += ["-l", f"k8s-file:{launch.log}", "--log-size-max", str(LOG_SIZE_LIMIT)]
    words += ["--socket-dir-path", str(launch.sockets), "--exit-dir", str(launch.bundle / "exits")]
    words += ["-t"] * launch.terminal + ["-i"] * launch.stdin
    words += ["--leave-stdin-open"] * (launch.stdin and not launch.stdin_once)
    return words


async def create(launch: Launch, conmon: Path, runtime: Path, runtime_args: Sequence[str]) -> int:
    """Create the container (not yet started) and return its pid; raises CreateError."""
    # Sockets, though a pipe would do: uvloop's pipe transport closes a descriptor twice, and the number may be
    # another thread's by then.
    reading, writing = socket.socketpair()
    complaints = launch.bundle / "conmon.err"
    try:
        with complaints.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command(launch, conmon, runtime, runtime_args),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=stderr,
                pass_fds=(writing.fileno(),),
                # In other locales it takes no path beyond ASCII.
                env={**os.environ, "LC_ALL": "C.UTF-8", "_OCI_SYNCPIPE": str(writing.fileno())},
                cwd=launch.bundle,
            )
    except OSError as error:
        reading.close()
        raise CreateError(f"cannot run conmon: {error}") from error
    finally:
        writing.close()
    line = await _read_line(reading)
    await process.wait()
    try:
        answer = msgspec.json.decode(line, type=_Answer)
    except msgspec.DecodeError as error:
        raise CreateError(f"conmon ended without creating the container{_last_line(complaints)}") from error
    if answer.data < 0:
        raise CreateError(plain(answer.message) or "the OCI runtime failed without a message")
    return answer.data


def _last_line(complaints: Path) -> str:
    lines = complaints.read_text(errors="replace").split("\n") if complaints.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last}" if last else ""


def plain(output: str) -> str:
    """Return the message in what an OCI runtime prints when it fails: runc writes logrus's `level=error msg="…"`."""
    found = _logrus.findall(output)
    if not found:
        return output.strip()
    return str(found[-1]).replace('\\"', '"').replace("\\\\", "\\")


async def _read_line(reading: socket.socket) -> bytes:
    """Read the first line: conmon keeps its end open as long as the container lives."""
    loop, text = asyncio.get_running_loop(), b""
    with reading:
        reading.setblocking(False)
        while b"\n" not in text and (data := await loop.sock_recv(reading, 1 << 16)):
            text += data
    return text.split(b"\n", 1)[0]


def open_process(bundle: Path, id: str) -> int | None:
    """Return a pidfd (pidfd_open(2)) of the conmon that watches container `id`, or None when it is no more."""
    try:
        pid = int((bundle / "conmon.pid").read_text())
        fd = os.pidfd_open(pid)
    except (OSError, ValueError):
        return None
    # The pid may be another process's by now: ours has the container's id on its command line.
    try:
        if id.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            return fd
    except OSError:
        pass
    os.close(fd)
    return None


def end_start(id: str) -> None:
    """End a start of container `id` that was cut short: conmon and the OCI runtime's commands for it. Blocks.

    They may have been started a moment ago and have written no pid file yet, but all have the id on their command line.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while (found := list(_with_argument(id))) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _with_argument(word: str) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                yield int(folder.name)


async def wait(bundle: Path, id: str) -> None:
    """Return once the conmon of container `id` has ended: the container's exit code is then on disk."""
    fd = open_process(bundle, id)
    if fd is None:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended. `lost`: its conmon was killed before it could tell."""

    code: int
    at: float
    out_of_memory: bool = False
    lost: bool = False


def read_exit(bundle: Path, now: float) -> Exit:
    """Return how the container of an ended conmon ended."""
    file = bundle / "exit"
    try:
        code = int(file.read_text())
    except (OSError, ValueError):
        return Exit(LOST_EXIT_CODE, now, lost=True)
    return Exit(code, file.stat().st_mtime, out_of_memory=(bundle / "oom").exists())
