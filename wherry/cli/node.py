"""`wherry node`: what happens to machines, done to a running cluster's nodes."""

from __future__ import annotations

from collections.abc import Callable

import click

from wherry.cli import options
from wherry.cli.failure import Failure, told
from wherry.cli.progress import Progress
from wherry.cluster import joining, kubeconfig, lifecycle, power, sandbox
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import Paths

Act = Callable[[ClusterConfig, Paths, int], None]


@click.group()
def command() -> None:
    """Add and remove nodes; switch one of a running cluster off and on, or cut it off from the others.

    Kubernetes notices after 40 s that a node is silent, and its pods get others in their place 5 minutes later. With
    `wherry down` and `wherry up` every node is on and connected.
    """


def _act(name: str, act: Act) -> None:
    paths, config, init = options.running(name)
    with told(ClusterError):
        act(config, paths, init)


@command.command("add")
@options.name
@click.argument("node", metavar="NODE[=IP]")
def add(name: str, node: str) -> None:
    """Add NODE, at the next free address of --node-cidr or at IP, and wait until it is ready, if the cluster runs."""
    paths, _ = options.existing(name)
    try:
        with Progress() as progress:
            config = joining.add(node, paths, progress)
            if sandbox.running(paths) is not None:
                lifecycle.up(config, paths, progress)
    except (ClusterError, ConfigError, kubeconfig.KubeconfigError) as error:
        raise Failure(str(error).removeprefix("--nodes: ")) from error
    click.echo(f"node {config.nodes[-1].name} is added: {' '.join(config.nodes[-1].addresses)}")


@command.command("rm")
@options.name
@click.argument("node")
def rm(name: str, node: str) -> None:
    """Remove NODE with its files from a running cluster; its pods' owners make others elsewhere."""
    paths, _ = options.existing(name)
    with told(ClusterError, ConfigError), Progress() as progress:
        joining.remove(node, paths, progress)
    click.echo(f"node {node} is removed")


@command.command("stop")
@options.name
@click.argument("node")
def stop(name: str, node: str) -> None:
    """Switch NODE off, as if its plug were pulled: all its processes end, its pods' too. Its files stay."""
    _act(name, lambda config, paths, init: power.stop(node, config, paths, init))
    click.echo(f"{node} is off; `{options.verb('node start', name)} {node}` switches it on")


@command.command("start")
@options.name
@click.argument("node")
def start(name: str, node: str) -> None:
    """Switch NODE on; its pods are started again."""
    _act(name, lambda config, paths, init: power.start(node, config, init))
    click.echo(f"{node} is on")


@command.command("partition")
@options.name
@click.argument("node")
def partition(name: str, node: str) -> None:
    """Cut NODE off: it runs on, and reaches no other node, nor they it."""
    _act(name, lambda config, paths, init: power.partition(node, config, init))
    click.echo(f"{node} is cut off; `{options.verb('node heal', name)} {node}` connects it again")


@command.command("heal")
@options.name
@click.argument("node")
def heal(name: str, node: str) -> None:
    """Connect NODE again."""

    def act(config: ClusterConfig, paths: Paths, init: int) -> None:
        if node in power.off(init):
            raise ClusterError(f"{node} is off; `{options.verb('node start', name)} {node}` switches it on")
        power.heal(node, config, init)

    _act(name, act)
    click.echo(f"{node} is connected")
