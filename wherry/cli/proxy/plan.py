"""`wherry proxy plan`: what the proxy of a node does now."""

from __future__ import annotations

import asyncio

import click

from wherry.cli.failure import told
from wherry.cli.proxy.problems import PROBLEMS
from wherry.client import http
from wherry.client.interface import Client
from wherry.objects.errors import NotFound
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import component
from wherry.proxy.config import ProxyConfig
from wherry.proxy.plan import Plan, make_plan
from wherry.proxy.topology import ThisNode


@click.command()
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: as kubectl]")
@click.option("--node", required=True, help="The node to plan for.")
@click.option("--rules", "--nft", is_flag=True, help="Print what the kernel would be told as well.")
@click.pass_obj
def plan(given: tuple[str | None, ProxyConfig], kubeconfig: str | None, node: str, rules: bool) -> None:
    """Print what the proxy of a node does now, touching nothing.

    An endpoint marked * is on that node.
    """
    path, config = given
    with told(*PROBLEMS):
        wanted = asyncio.run(_fetch_plan(http.connect(kubeconfig or path), node))
        if config.node_port_cidrs is not None:
            click.echo("node ports are shown on the primary addresses: only the node knows its others", err=True)
        click.echo(wanted)
        if rules:
            click.echo(f"\n{component.make_mode(config).render(wanted)}")


async def _fetch_plan(client: Client, name: str) -> Plan:
    try:
        nodes = await client.list(NODES, fields=f"metadata.name={name}")  # a proxy has no right to get it
        services = await client.list(SERVICES, labels=component.SELECTOR)
        slices = await client.list(ENDPOINT_SLICES, labels=component.SELECTOR)
    finally:
        await client.close()
    if not nodes.items:
        raise NotFound.of(NODES.plural, name)
    return make_plan(services.items, slices.items, ThisNode.of(name, nodes.items[0]))
