"""`wherry proxy` itself: run the service proxy of one node, against any cluster."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wherry.cli.failure import Failure
from wherry.cli.proxy.plan import plan
from wherry.cli.proxy.problems import PROBLEMS
from wherry.cli.proxy.set_mode import set_mode
from wherry.client import http
from wherry.component import process
from wherry.proxy import component, configfile, reconfigured
from wherry.proxy.config import ConfigurationError, ProxyConfig, seconds
from wherry.proxy.counters import Counters
from wherry.proxy.modes import Mode
from wherry.proxy.reconfigured import Given
from wherry.telemetry import log


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
@click.option("--proxy-mode", "mode", help="nftables, iptables, ipvs or userspace.  [default: nftables]")
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
@click.option("--count-traffic", is_flag=True, default=None, help="Count what goes to each endpoint of each Service.")
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

    What is given here wins over the file, which is followed as it changes. The rules stay when the proxy stops: only
    --cleanup removes them.
    """
    log.setup("proxy")

    def read() -> Given:
        values = {name: value for name, value in given.items() if value is not None}
        if file:
            values = {**configfile.read(Path(file)), **values}
        path = values.pop("kubeconfig", None)
        return Given(path, ProxyConfig(**{"node_name": socket.gethostname().lower(), **values}))

    try:
        path, config = read()
        mode = component.make_mode(config)
        if context.invoked_subcommand:
            context.obj = path, config
        elif cleanup:
            asyncio.run(_clean_up(mode, component.other_modes(config)))
        elif file:
            process.run(reconfigured.run(Path(file), read, http.connect_component))
        else:
            client = http.connect_component(path)
            process.run(component.run(client, config), client)
    except PROBLEMS as error:
        raise Failure(" ".join(str(error).split())) from error


command.add_command(plan)
command.add_command(set_mode)


async def _clean_up(mode: Mode, others: list[Mode]) -> None:
    for each in (*others, mode):
        await each.cleanup()
    await Counters().cleanup()
