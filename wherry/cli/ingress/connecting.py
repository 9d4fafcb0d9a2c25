"""The client of a kubeconfig, or one line about why there is none."""

from __future__ import annotations

import click

from wherry.client.http import HttpClient, connect
from wherry.client.kubeconfig import ConfigError


def connecting(kubeconfig: str | None, context: str | None) -> HttpClient:
    """Return the client of a kubeconfig, or of our pod."""
    try:
        return connect(kubeconfig, context)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
