"""Options several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

name: Callable[[F], F] = click.option("--name", default="default", show_default=True, help="The cluster's name.")


class Failure(click.ClickException):
    """An error for the user: one message on stderr, exit code 1, no traceback."""

    def show(self, file: Any = None) -> None:
        """Print the message in red."""
        click.secho(f"wherry: {self.message}", fg="red", err=True)
