"""How an error looks that ends a command."""

from __future__ import annotations

from typing import Any

import click


class Failure(click.ClickException):
    """An error for the user: one message on stderr, exit code 1, no traceback."""

    def show(self, file: Any = None) -> None:
        """Print the message in red."""
        click.secho(f"wherry: {self.message}", fg="red", err=True)
