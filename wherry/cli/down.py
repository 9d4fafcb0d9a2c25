"""`wherry down`: stop a cluster and leave nothing of it on the host but its data."""

from __future__ import annotations

import click

from wherry.cli import options
from wherry.cli.progress import Progress
from wherry.cluster import kubeconfig, lifecycle


@click.command()
@options.name
@click.option("--purge", is_flag=True, help="Forget its state too: objects, logs, certificates, node files.")
def command(name: str, purge: bool) -> None:
    """Stop a cluster; with --purge forget its state too."""
    paths = lifecycle.locate(name, None)
    existed = paths.data.is_dir()
    try:
        with Progress() as progress:
            lifecycle.down(name, paths, purge=purge, progress=progress)
    except (lifecycle.ClusterError, kubeconfig.KubeconfigError) as error:
        raise options.Failure(str(error)) from error
    if not existed:
        click.echo(f"there is no cluster {name}")
    else:
        click.echo(f"cluster {name} is down" + (" and forgotten" if purge else f"; its state is in {paths.data}"))
