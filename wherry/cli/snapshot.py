"""`wherry snapshot`: a cluster as it was, kept and brought back."""

from __future__ import annotations

import time

import click

from wherry.cli import options
from wherry.cli.failure import told
from wherry.cli.progress import Progress
from wherry.cluster import kubeconfig, lifecycle
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.errors import ClusterError
from wherry.cluster.snapshots import snapshots

MEGA = 10**6


@click.group()
def command() -> None:
    """Save a cluster as it is now, and let it be so again: objects, certificates, nodes' files, volumes, options.

    A running cluster stands still for the moment that copying takes, and goes on. Images and logs are not part of it,
    nor are files elsewhere: image maps, folders that pods mount from this machine.
    """


@command.command("save")
@options.name
@click.argument("snapshot")
def save(name: str, snapshot: str) -> None:
    """Keep the cluster as it is now, as SNAPSHOT."""
    paths, _ = options.existing(name)
    with told(ClusterError, ConfigError), Progress() as progress:
        snapshots.save(snapshot, paths, time.time(), progress)
    click.echo(f"snapshot {snapshot} saved after {progress.elapsed:.1f} s")


@command.command("restore")
@options.name
@click.argument("snapshot")
def restore(name: str, snapshot: str) -> None:
    """Let the cluster be what it was when SNAPSHOT was saved. One that runs is stopped, and started again."""
    paths, _ = options.existing(name)
    with told(ClusterError, ConfigError, kubeconfig.KubeconfigError), Progress() as progress:
        ran = snapshots.restore(snapshot, paths, progress)
        if ran:
            lifecycle.up(ClusterConfig.load(paths.config), paths, progress)
    now = "runs" if ran else f"is stopped; `{options.verb('up', name)}` starts it"
    click.echo(f"snapshot {snapshot} restored after {progress.elapsed:.1f} s; cluster {name} {now}")


@command.command("ls")
@options.name
def ls(name: str) -> None:
    """List the snapshots, the oldest first: their name, when they were saved, what they take of the disk."""
    paths, _ = options.existing(name)
    with told(ClusterError):
        for one in snapshots.listing(paths):
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.created))
            click.echo(f"{one.name}  {when}  {snapshots.size(paths, one.name) / MEGA:.1f} MB")


@command.command("rm")
@options.name
@click.argument("snapshot")
def rm(name: str, snapshot: str) -> None:
    """Forget SNAPSHOT."""
    paths, _ = options.existing(name)
    with told(ClusterError), Progress() as progress:
        snapshots.remove(snapshot, paths, progress)
    click.echo(f"snapshot {snapshot} removed")
