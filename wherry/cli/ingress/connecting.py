"""The client of a kubeconfig, or one line about why there is none."""

from __future__ import annotations

from collections.abc import Callable

import click

from wherry.client.http import HttpClient
from wherry.client.kubeconfig import ConfigError


def connecting(how: Callable[..., HttpClient], kubeconfig: str | None, context: str | None) -> HttpClient:
    """Return the client of a kubeconfig, or of where `how` (of `wherry.client.http`) looks without one."""
    try:
        return how(kubeconfig, context)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
