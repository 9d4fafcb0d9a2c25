"""`wherry kubeconfig`: print a cluster's kubeconfig."""

from __future__ import annotations

import click

from wherry.cli import options


@click.command()
@options.name
def command(name: str) -> None:
    """Print a cluster's kubeconfig (with the certificates inside)."""
    paths, _ = options.existing(name)
    click.echo(paths.kubeconfig.read_text(), nl=False)
