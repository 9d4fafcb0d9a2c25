"""One client of one container: stdin, stdout, stderr, terminal sizes, a status at the end; whatever carries them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from wherry.node.streaming.pipe import Pipe
from wherry.objects import Object
from wherry.objects.errors import BadRequest, InternalError

Output = Literal["stdout", "stderr"]


class TerminalSize(NamedTuple):
    """Columns and rows."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Streams:
    """Which streams a client asks for; with a terminal there is no separate stderr."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Streams:
        """Read a request's query (both the API's names and values and the kubelet's); raises `BadRequest`."""

        def asked(*names: str) -> bool:
            return any(query.get(name, "").lower() in ("1", "true") for name in names)

        tty = asked("tty")
        streams = cls(
            stdin=asked("input", "stdin"),
            stdout=asked("output", "stdout"),
            stderr=asked("error", "stderr") and not tty,
            tty=tty,
        )
        if not (streams.stdin or streams.stdout or streams.stderr):
            raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
        return streams


class Sizes:
    """The latest size of the client's terminal; sizes that nobody has read in time are skipped."""

    def __init__(self) -> None:
        self._latest: TerminalSize | None = None
        self._changed = asyncio.Event()

    def put(self, size: TerminalSize) -> None:
        """Note a new size."""
        self._latest = size
        self._changed.set()

    async def next(self) -> TerminalSize:
        """Return the next size there is."""
        await self._changed.wait()
        self._changed.clear()
        assert self._latest is not None
        return self._latest


class Session(Protocol):
    """What exec and attach know of their client.

    `stdin` ends when the client closes it. `gone` is set once the client has hung up.
    """

    stdin: Pipe
    sizes: Sizes
    gone: asyncio.Event

    async def write(self, output: Output, data: bytes) -> None:
        """Send output, waiting while the client is slow; dropped when it did not ask for this one.

        Raises `ConnectionError` when the client is gone.
        """
        ...

    async def finish(self, status: Object) -> None:
        """Tell the client how it ended, and close."""
        ...


SUCCESS: Object = {"metadata": {}, "status": "Success"}


def exit_status(code: int) -> Object:
    """Return the Status for a command that ended with `code` (upstream `pkg/util/remotecommand`, v4 and later)."""
    if code == 0:
        return SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure(message: str) -> Object:
    """Return the Status for a session that could not do what it was asked for."""
    return InternalError.of(message).status()


def error_text(status: Object, *, structured: bool) -> bytes:
    """Return what goes on the error stream: the Status itself (v4 and later), or only a failure's message."""
    if structured:
        return json.dumps(status).encode()
    return b"" if status["status"] == "Success" else str(status["message"]).encode()


class SizeReader:
    """Sizes out of the resize stream: JSON objects one after another, `{"Width":80,"Height":24}`, cut anywhere."""

    def __init__(self, sizes: Sizes):
        self._sizes = sizes
        self._text = ""
        self._decoder = json.JSONDecoder()

    def feed(self, data: bytes) -> None:
        """Take some bytes; what is not a size is skipped."""
        self._text = (self._text + data.decode(errors="replace")).lstrip()[-4096:]
        while self._text:
            try:
                value, end = self._decoder.raw_decode(self._text)
            except ValueError:
                return  # not whole yet
            self._text = self._text[end:].lstrip()
            if isinstance(value, dict):
                width, height = value.get("Width"), value.get("Height")
                if isinstance(width, int) and isinstance(height, int) and 0 < width < 1 << 16 and 0 < height < 1 << 16:
                    self._sizes.put(TerminalSize(width, height))
