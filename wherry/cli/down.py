"""`wherry down`: stop a cluster and leave nothing of it on the host but its data."""

from __future__ import annotations

import click

from wherry.cli import options
from wherry.cli.failure import Failure
from wherry.cli.progress import Progress
from wherry.cluster import datadir, lifecycle


@click.command()
@options.name
@click.option("--purge", is_flag=True, help="Forget its state too: objects, logs, certificates, node files.")
def command(name: str, purge: bool) -> None:
    """Stop a cluster; with --purge forget its state too. One that does not exist or is stopped is no error."""
    paths = datadir.locate(name, None)
    existed = paths.data.is_dir()
    try:
        with Progress() as progress:
            lifecycle.down(name, paths, purge=purge, progress=progress)
    except PermissionError:
        raise
    except OSError as error:  # a KubeconfigError, or a control group that somebody else's process is in
        raise Failure(str(error)) from error
    if not existed:
        click.echo(f"there is no cluster {name}")
    elif purge:
        click.echo(f"cluster {name} is down and forgotten")
    else:
        click.echo(f"cluster {name} is down; `{options.verb('up', name)}` starts it again from {paths.data}")
