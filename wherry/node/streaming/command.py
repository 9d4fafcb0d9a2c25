"""A command running in a container: the OCI runtime's `exec`, with pipes or with a terminal.

The runtime stays in the foreground and hands us the command's exit code as its own. For a terminal it gets one of ours
as stdin and stdout and couples it with the one it makes inside the container. Later sizes are set on that inner one,
which is the command's own stdin: runc would pass on the size of ours after a SIGWINCH, crun does not.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import tempfile
import termios
import tty as terminal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from wherry.node.runtime.interface import ContainerHandle
from wherry.node.streaming.descriptors import Sink, Source
from wherry.node.streaming.family import Family
from wherry.node.streaming.session import TerminalSize

PATIENCE = ((signal.SIGHUP, 1.0), (signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0))
"""How a command whose client has gone is ended: signals, and the seconds each gets."""

STARTING_SECONDS = 0.02
"""How often to look whether the command has started, for a size that came before."""

NO_SIZE = TerminalSize(0, 0)
"""A terminal whose size nobody has told."""

REAPING_SECONDS = 1.0
"""How long the runtime has to notice that the command has ended."""


class ExecError(Exception):
    """The command could not be started; `code` is what a shell would make of it (126, 127), 0 for any other trouble."""

    def __init__(self, message: str, code: int = 0):
        super().__init__(message)
        self.code = code


class Command:
    """One command: made by `start`, ended by itself or by `kill`; `release` it in any case.

    `outputs` are stdout and stderr, or the one terminal.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path):
        self.outputs: list[Source] = []
        self._process = process
        self._folder = folder
        self._stdin: Sink | None = None
        self._terminal: Sink | None = None

    @classmethod
    async def start(
        cls,
        handle: ContainerHandle,
        words: Sequence[str],
        *,
        stdin: bool,
        tty: bool = False,
        size: TerminalSize = NO_SIZE,
    ) -> Command:
        """Run `words` in the container; raises `ExecError` when not even the runtime can be run.

        Cancelled, it still waits until there is a process, and ends it: half of one could not be let go of.
        """
        starting = asyncio.create_task(cls._start(handle, words, stdin, tty, size))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            command = await starting
            try:
                await command.kill()
            finally:
                await command.release()
            raise

    @classmethod
    async def _start(
        cls, handle: ContainerHandle, words: Sequence[str], stdin: bool, tty: bool, size: TerminalSize
    ) -> Command:
        folder = Path(tempfile.mkdtemp(prefix="wherry-exec-"))
        line = [str(handle.binary), "--root", str(handle.root), "--log", str(folder / "log"), "--log-format", "json"]
        line += ["exec", "--pid-file", str(folder / "pid"), "--process", str(folder / "process.json"), handle.id]
        try:
            _describe(handle, words, tty, size, folder / "process.json")
            return await (_with_terminal(line, folder, size) if tty else _with_pipes(line, folder, stdin))
        except (OSError, ValueError) as error:
            shutil.rmtree(folder)
            raise ExecError(f"cannot run {handle.binary}: {error}") from error

    async def feed(self, data: bytes) -> None:
        """Write to stdin, waiting while the command is slow; raises `ConnectionError` when it no longer reads."""
        sink = self._terminal or self._stdin
        if sink:
            await sink.write(data)

    def feed_end(self) -> None:
        """Close stdin. A terminal stays open: its end is a character that the client types."""
        if self._stdin:
            self._stdin.close()

    async def resize(self, size: TerminalSize) -> None:
        """Give the terminal a new size, once the command has started."""
        while self._terminal and self._process.returncode is None:
            if pid := self._started():
                _resize_terminal_of(pid, size)
                return
            await asyncio.sleep(STARTING_SECONDS)

    async def wait(self) -> int:
        """Return the exit code; raises `ExecError` when the command never ran."""
        code = await self._process.wait()
        if code < 0:
            return 128 - code  # the runtime itself was killed by a signal
        if code and not (self._folder / "pid").exists():
            raise self._refusal()
        return code

    async def kill(self) -> None:
        """End the command and all its descendants, kindly first; no effect when it has ended."""
        if self._process.returncode is not None:
            return
        family = Family(self._started() or self._process.pid)
        try:
            for number, seconds in PATIENCE:
                family.signal(number)
                if await family.ended(seconds):
                    break
                family.grow()
        except asyncio.CancelledError:
            family.signal(signal.SIGKILL)  # no time left to be kind
            raise
        finally:
            family.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(REAPING_SECONDS):
                await self._process.wait()

    async def release(self) -> None:
        """Give back pipes, terminal and files; children that the command left behind lose their output."""
        for source in self.outputs:
            source.close()
        for sink in (self._stdin, self._terminal):
            if sink:
                sink.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _started(self) -> int:
        """Return the command's pid as seen from here; 0 while it has not started."""
        try:
            return int((self._folder / "pid").read_text())
        except (OSError, ValueError):
            return 0

    def _refusal(self) -> ExecError:
        """Return the runtime's last words, in the shape upstream's users know."""
        message = _last_error(self._folder / "log") or "the OCI runtime gave no reason"
        known = {"not found in $PATH": 127, "no such file or directory": 127, "permission denied": 126}
        code = next((code for words, code in known.items() if words.lower() in message.lower()), 0)
        return ExecError(f"OCI runtime exec failed: {message}: unknown", code)


def _describe(handle: ContainerHandle, words: Sequence[str], tty: bool, size: TerminalSize, file: Path) -> None:
    """Write the OCI process: the container's own user, environment and folder, with other words.

    A file, because crun takes `--env` for the whole environment, where runc adds to the container's.
    """
    process = json.loads((handle.bundle / "config.json").read_text())["process"]
    environ = [v for v in process.get("env", []) if not v.startswith("TERM=")] + ["TERM=xterm"] * tty
    process = {**process, "args": list(words), "terminal": tty, "env": environ}
    if tty and size != NO_SIZE:
        process["consoleSize"] = {"height": size.height, "width": size.width}
    file.write_text(json.dumps(process))


async def _with_pipes(line: Sequence[str], folder: Path, stdin: bool) -> Command:
    """Start with a pipe each for stdout and stderr, and stdin if it is wanted."""
    feeding = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), -1)
    out, err = os.pipe(), os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(*line, stdin=feeding[0], stdout=out[1], stderr=err[1])
    except OSError:
        for fd in (feeding[1], out[0], err[0]):
            if fd >= 0:
                os.close(fd)
        raise
    finally:
        for fd in (feeding[0], out[1], err[1]):
            os.close(fd)
    command = Command(process, folder)
    command._stdin = Sink(feeding[1]) if stdin else None
    command.outputs = [Source(out[0]), Source(err[0])]
    return command


async def _with_terminal(line: Sequence[str], folder: Path, size: TerminalSize) -> Command:
    """Start with a terminal; what the runtime itself has to say is in its log."""
    ours, theirs = pty.openpty()
    try:
        terminal.setraw(theirs)  # until the runtime does so itself, nothing must be echoed
        _set_size(theirs, size)
        process = await asyncio.create_subprocess_exec(
            *line, stdin=theirs, stdout=theirs, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
        )
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    command = Command(process, folder)
    command._terminal = Sink(ours)
    command.outputs = [Source(os.dup(ours))]
    return command


def _resize_terminal_of(pid: int, size: TerminalSize) -> None:
    """Set the size of a process's terminal: its first standard stream that is one."""
    for number in range(3):
        with suppress(OSError):
            fd = os.open(f"/proc/{pid}/fd/{number}", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                _set_size(fd, size)
            finally:
                os.close(fd)
            return


def _set_size(fd: int, size: TerminalSize) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size.height, size.width, 0, 0))


def _last_error(log: Path) -> str:
    """Return the message of the last entry in a runtime's log, "" when there is none; crun's are not all JSON."""
    with suppress(OSError):
        for line in reversed(log.read_text().splitlines()):
            with suppress(ValueError, LookupError, TypeError):
                return str(json.loads(line)["msg"])
    return ""
