"""How an error looks that ends a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


def reset_signals() -> None:
    """Let a program that takes this process's place end quietly when nobody reads on; Python has SIGPIPE ignored."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


class Failure(click.ClickException):
    """An error for the user: one message on stderr, exit code 1, no traceback."""

    def show(self, file: Any = None) -> None:
        """Print the message in red."""
        click.secho(f"wherry: {self.message}", fg="red", err=True)


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """End the command with one line for any of some errors."""
    try:
        yield
    except errors as error:
        raise Failure(str(error)) from error


class Misuse(Failure):
    """An option that cannot be: exit code 2, as for one that does not exist."""

    exit_code = 2
