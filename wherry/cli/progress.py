"""Progress of a long step: a line that says what goes on and for how long; plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

PLAIN_SECONDS = 1.0
"""Plain lines come no closer than this, so that a log does not fill with what lasted a moment."""


class Progress:
    """Call it with what is happening now. A context manager that cleans its line up."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._start = time.monotonic()
        self._message = ""
        self._printed = -PLAIN_SECONDS
        self._status: Status | None = Status(self, console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def __rich__(self) -> Text:
        """Return the line as it is now: a terminal asks several times a second, so the clock runs."""
        return Text(f"[{self.elapsed:5.1f} s] {self._message}", no_wrap=True, overflow="ellipsis")

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def __call__(self, message: str) -> None:
        """Show `message` with the time elapsed."""
        self._message = message
        if self._status is None and self.elapsed - self._printed >= PLAIN_SECONDS:
            self._printed = self.elapsed
            self._console.print(f"[{self.elapsed:5.1f} s] {message}", markup=False, highlight=False, soft_wrap=True)
