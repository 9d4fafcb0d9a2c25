"""`wherry proxy`: the service proxy of one node, against any cluster; `wherry proxy plan` prints what it would do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
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
from wherry.proxy.config import ConfigurationError, ProxyConfig, seconds
from wherry.proxy.configfile import from_file
from wherry.proxy.modes import Mode, ModeError, UnsupportedMode
from wherry.proxy.plan import Plan, make_plan
from wherry.proxy.topology import ThisNode
from wherry.telemetry import log

_PROBLEMS = (ConfigurationError, UnsupportedMode, kubeconfig.ConfigError, ModeError, ApiError, OSError)


def _seconds(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    try:
        return None if value is None else seconds(value)
    except ConfigurationError as error:
        raise Failure(f"{parameter.opts[0]}: {error}") from error


def _timeout(name: str, text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(name, callback=_seconds, metavar="DURATION", help=f"{text}  [default: as the kernel has it]")


@click.group(invoke_without_command=True)
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: the pod's own]")
@click.option("--hostname-override", "node_name", help="This node's name.  [default: the host's name]")
@click.option("--proxy-mode", "mode", help="How to do it: nftables, iptables or ipvs.  [default: nftables]")
@click.option("--cluster-cidr", help="Where pods are: other sources are masqueraded to cluster IPs.")
@click.option("--service-cidr", help="Where cluster IPs are: those of no Service are dropped.")
@click.option(
    "--nodeport-addresses",
    "node_port_addresses",
    help="Answer node ports on addresses in these CIDRs, or on the node's primary ones.  [default: primary]",
)
@click.option("--masquerade-all", is_flag=True, default=None, help="Masquerade all connections to cluster IPs.")
@click.option("--iptables-masquerade-bit", "masquerade_bit", type=int, help="The mark's bit for it.  [default: 14]")
@click.option(
    "--conntrack-tcp-be-liberal",
    "tcp_be_liberal",
    is_flag=True,
    default=None,
    help="Take TCP segments beyond the window.",
)
@click.option("--conntrack-max-per-core", type=int, help="Flows the kernel tracks at most, for each core.")
@click.option("--conntrack-min", type=int, help="And so many at least, however few cores there are.")
@_timeout("--conntrack-tcp-timeout-established", "How long an idle TCP connection is tracked.")
@_timeout("--conntrack-tcp-timeout-close-wait", "How long one that a side has closed is.")
@_timeout("--conntrack-udp-timeout", "How long a datagram that nobody answers is.")
@_timeout("--conntrack-udp-timeout-stream", "How long a flow of datagrams that was answered is.")
@click.option("--ipvs-scheduler", help="How IPVS chooses an endpoint, as in ipvsadm(8).  [default: rr]")
@click.option("--ipvs-exclude-cidrs", help="Virtual servers in there are another's, and left alone.")
@click.option("--ipvs-strict-arp", is_flag=True, default=None, help="Answer no ARP on the LAN for what IPVS serves.")
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
            asyncio.run(_clean_up(mode, component.other_modes(config)))
        else:
            client = http.connect_component(path)
            process.run(component.run(client, config), client)
    except (*_PROBLEMS, yaml.YAMLError, UnicodeDecodeError) as error:
        raise Failure(" ".join(str(error).split())) from error


@command.command()
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: as kubectl]")
@click.option("--node", required=True, help="The node to plan for.")
@click.option("--rules", "--nft", is_flag=True, help="Print what the kernel would be told as well.")
@click.pass_obj
def plan(given: tuple[str | None, ProxyConfig], kubeconfig: str | None, node: str, rules: bool) -> None:
    """Print what the proxy of a node does now, touching nothing.

    An endpoint marked * is on that node.
    """
    path, config = given
    try:
        wanted = asyncio.run(_fetch_plan(http.connect(kubeconfig or path), node))
        if config.node_port_cidrs is not None:
            click.echo("node ports are shown on the primary addresses: only the node knows its others", err=True)
        click.echo(wanted)
        if rules:
            click.echo(f"\n{component.make_mode(config).render(wanted)}")
    except _PROBLEMS as error:
        raise Failure(str(error)) from error


async def _clean_up(mode: Mode, others: list[Mode]) -> None:
    for each in (*others, mode):
        await each.cleanup()


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
