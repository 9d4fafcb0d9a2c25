"""`wherry kubeconfig`: print a cluster's kubeconfig."""

from __future__ import annotations

import click

from wherry.cli import options
from wherry.cluster import lifecycle


@click.command()
@options.name
def command(name: str) -> None:
    """Print a cluster's kubeconfig (with the certificates inside)."""
    paths = lifecycle.locate(name, None)
    if not paths.kubeconfig.exists():
        raise options.Failure(f"there is no cluster {name}; `wherry up --name {name}` makes it")
    click.echo(paths.kubeconfig.read_text(), nl=False)
