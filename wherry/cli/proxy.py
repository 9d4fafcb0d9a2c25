"""`wherry proxy`: the service proxy of one node, against any cluster; `wherry proxy plan` prints what it would do."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import click
import yaml

from wherry.cli.failure import Failure
from wherry.client import http, kubeconfig
from wherry.client.interface import Client
from wherry.component import process
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.resource import ENDPOINT_SLICES, NODES, SERVICES
from wherry.proxy import component
from wherry.proxy.config import ConfigurationError, ProxyConfig, from_file
from wherry.proxy.modes import ModeError, UnsupportedMode
from wherry.proxy.plan import Plan, make_plan
from wherry.proxy.topology import ThisNode
from wherry.telemetry import log

_PROBLEMS = (ConfigurationError, UnsupportedMode, kubeconfig.ConfigError, ModeError, ApiError, OSError)


@click.group(invoke_without_command=True)
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: the pod's own]")
@click.option("--hostname-override", "node_name", help="This node's name.  [default: the host's name]")
@click.option("--proxy-mode", "mode", help="How to do it: nftables.  [default: nftables]")
@click.option("--cluster-cidr", help="Where pods are: other sources are masqueraded to cluster IPs.")
@click.option("--service-cidr", help="Where cluster IPs are: those of no Service are dropped.")
@click.option("--healthz-bind-address", help="Where to answer /healthz and /livez.  [default: [::]:10256]")
@click.option("--metrics-bind-address", help="Where to answer /metrics.  [default: 127.0.0.1:10249]")
@click.option("--config", "file", type=click.Path(exists=True, dir_okay=False), help="A KubeProxyConfiguration file.")
@click.option("--cleanup", is_flag=True, help="Remove the rules from this node, and exit.")
@click.pass_context
def command(context: click.Context, /, file: str | None, cleanup: bool, **given: Any) -> None:
    """Run the service proxy of one node.

    What is given here wins over the file. The rules stay when the proxy stops: only --cleanup removes them.
    """
    log.setup("proxy")
    values = {name: value for name, value in given.items() if value is not None}
    try:
        if file:
            values = {**from_file(yaml.safe_load(Path(file).read_text())), **values}
        path = values.pop("kubeconfig", None)
        config = ProxyConfig(**{"node_name": socket.gethostname().lower(), **values})
        mode = component.make_mode(config)
        if context.invoked_subcommand:
            context.obj = path, config
        elif cleanup:
            asyncio.run(mode.cleanup())
        else:
            client = http.connect_component(path)
            process.run(component.run(client, config), client)
    except (*_PROBLEMS, yaml.YAMLError, UnicodeDecodeError) as error:
        raise Failure(" ".join(str(error).split())) from error


@command.command()
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: as kubectl]")
@click.option("--node", required=True, help="The node to plan for.")
@click.option("--nft", is_flag=True, help="Print what nft would be told as well.")
@click.pass_obj
def plan(given: tuple[str | None, ProxyConfig], kubeconfig: str | None, node: str, nft: bool) -> None:
    """Print what the proxy of a node does now, touching nothing.

    An endpoint marked * is on that node.
    """
    path, config = given
    try:
        wanted = asyncio.run(_fetch_plan(http.connect(kubeconfig or path), node))
        click.echo(wanted)
        if nft:
            click.echo(f"\n{component.make_mode(config).render(wanted)}")
    except _PROBLEMS as error:
        raise Failure(str(error)) from error


async def _fetch_plan(client: Client, name: str) -> Plan:
    try:
        node = await client.get(NODES, name)
        services = await client.list(SERVICES, labels=component.SELECTOR)
        slices = await client.list(ENDPOINT_SLICES, labels=component.SELECTOR)
    except NotFound as error:
        raise Failure(str(error)) from error
    finally:
        await client.close()
    return make_plan(services.items, slices.items, ThisNode.of(name, node))
