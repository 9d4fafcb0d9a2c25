"""Progress of a long step: a line that says what goes on and for how long; plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.status import Status


class Progress:
    """Call it with what is happening now. A context manager that cleans its line up."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._start = time.monotonic()
        self._status: Status | None = Status("", console=self._console) if self._console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def __call__(self, message: str) -> None:
        """Show `message` with the time elapsed."""
        line = f"[{self.elapsed:5.1f} s] {message}"
        if self._status:
            self._status.update(line.replace("[", r"\["))
        else:
            self._console.print(line, markup=False, highlight=False)
