"""`wherry proxy set-mode`: the proxies of a running cluster work another way.

Rooms are imported when it is called: a node's proxy, which is this verb's group, needs none of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from wherry.cli.failure import told
from wherry.cli.proxy.problems import PROBLEMS
from wherry.proxy import modes

if TYPE_CHECKING:
    from wherry.client.http import HttpClient
    from wherry.proxy.set_mode import Outcome

LONGEST_SECONDS = 3600


@click.command("set-mode")
@click.argument("mode")
@click.option("--name", help="A cluster of `wherry up`.  [default: default]")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Instead, any other cluster.")
@click.option(
    "--timeout",
    "seconds",
    type=click.IntRange(0, LONGEST_SECONDS),
    default=120,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each proxy.",
)
def set_mode(mode: str, name: str | None, kubeconfig: str | None, seconds: int) -> None:
    """Have all proxies of a running cluster work by MODE: nftables, iptables, ipvs or userspace.

    The mode is changed in the ConfigMap of kube-proxy, and each node's proxy is waited for until it works so.
    Connections live on. Exit code 1 when a proxy does not do it.
    """
    from wherry.cli import options
    from wherry.cli.progress import Progress
    from wherry.client.http import connect
    from wherry.cluster import lifecycle
    from wherry.cluster.config import ConfigError
    from wherry.cluster.errors import ClusterError

    options.check_one(name, kubeconfig)
    with told(*PROBLEMS, ClusterError, ConfigError):
        mode = modes.check(mode)
        paths = None if kubeconfig else options.running(name or options.DEFAULT)[0]
        if paths:
            lifecycle.check_proxy_mode(mode)
        client = connect(paths.kubeconfig if paths else kubeconfig)
        with Progress() as progress:
            outcomes, short = asyncio.run(_set(client, mode, seconds, progress))
            if paths:
                lifecycle.remember_proxy_mode(paths, mode, progress)
    for one in outcomes:
        click.echo(f"{one.node}: does not run {mode}: {one.problem}" if one.problem else f"{one.node}: {mode}")
    for line in short:
        click.echo(f"less than other modes do, {line}")
    if any(one.problem for one in outcomes):
        raise SystemExit(1)


async def _set(
    client: HttpClient, mode: str, seconds: float, tell: Callable[[str], None]
) -> tuple[list[Outcome], list[str]]:
    from wherry.proxy import set_mode

    try:
        return await set_mode.set_mode(client, mode, seconds, tell)
    finally:
        await client.close()
