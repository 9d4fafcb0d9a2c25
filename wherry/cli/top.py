"""`wherry top services`: what goes to each Service, and to each of its endpoints."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from wherry.cli import options
from wherry.cli.failure import Failure, told

if TYPE_CHECKING:
    from wherry.proxy.counters import Counts, Series
    from wherry.proxy.top import Top

ORDERS = ("bytes", "packets", "connections", "name")


@click.group()
def command() -> None:
    """Show what goes where, as it was counted."""


@command.command()
@click.option("-n", "--namespace", help="Only Services of this namespace.")
@click.option("--endpoints", is_flag=True, help="A line for each endpoint.")
@click.option("--sort", "order", type=click.Choice(ORDERS), default="bytes", show_default=True, help="The most first.")
@click.option("--name", help=f"A cluster of `wherry up`.  [default: {options.DEFAULT}]")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Instead, any other cluster.")
def services(namespace: str | None, endpoints: bool, order: str, name: str | None, kubeconfig: str | None) -> None:
    """Show connections, packets and bytes of each Service port since the proxies began, of all nodes together.

    Exit code 1 when a proxy does not tell, which is named.
    """
    options.check_one(name, kubeconfig)
    from wherry.client.kubeconfig import ConfigError
    from wherry.objects.errors import ApiError
    from wherry.proxy.top import by_port, table

    with told(ApiError, ConfigError):
        found = asyncio.run(_asked(kubeconfig)) if kubeconfig else _looked(name or options.DEFAULT)
    rows = found.by_series if endpoints else by_port(found.by_series)
    chosen = [row for row in rows.items() if namespace in (None, row[0].namespace)]
    for line in table(sorted(chosen, key=lambda row: _key(row, order)), endpoints=endpoints):
        click.echo(line)
    for problem in found.problems:
        click.echo(f"wherry: {problem}", err=True)
    if found.problems:
        raise SystemExit(1)


def _key(row: tuple[Series, Counts], order: str) -> tuple[int, Series]:
    series, counts = row
    most = {
        "bytes": counts.bytes_to + counts.bytes_from,
        "packets": counts.packets_to + counts.packets_from,
        "connections": counts.connections,
        "name": 0,
    }[order]
    return -most, series


async def _asked(kubeconfig: str) -> Top:
    from wherry.client.http import connect
    from wherry.proxy.top import asked

    client = connect(kubeconfig)
    try:
        return await asked(client)
    finally:
        await client.close()


def _looked(name: str) -> Top:
    from wherry.cluster.nodemetrics import node_metrics
    from wherry.proxy.top import METRICS_PORT, added

    _, config, init = options.running(name)
    if os.geteuid() != 0:
        raise Failure("entering nodes' networks needs root: run it with sudo")
    return added(node_metrics([node.name for node in config.nodes], init, METRICS_PORT))
