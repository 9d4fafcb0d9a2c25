"""`wherry networkpolicy`: NetworkPolicies enforced on one node of any cluster; `plan` prints the rules there."""

from __future__ import annotations

import asyncio
import socket

import click

from wherry.cli.failure import Failure, told
from wherry.client import http, kubeconfig
from wherry.component import process
from wherry.component.health import HealthServer
from wherry.net.nft import NftError
from wherry.networkpolicy.component import NetworkPolicies
from wherry.networkpolicy.render import render
from wherry.networkpolicy.rules import Rules
from wherry.objects.errors import ApiError
from wherry.telemetry import log

_PROBLEMS = (kubeconfig.ConfigError, NftError, ApiError, OSError)


@click.group(invoke_without_command=True)
@click.option(
    "--kubeconfig", "path", type=click.Path(dir_okay=False), help="Where the API is.  [default: the pod's own]"
)
@click.option("--hostname-override", "node", help="This node's name.  [default: the host's name]")
@click.option("--port", type=click.IntRange(1, 65535), help="Answer /readyz and /metrics on this port of 127.0.0.1.")
@click.option("--cleanup", is_flag=True, help="Remove the rules from this node, and exit.")
@click.pass_context
def command(context: click.Context, path: str | None, node: str | None, port: int | None, cleanup: bool) -> None:
    """Enforce NetworkPolicies on this node, whose pods are routed, or bridged with br_netfilter.

    The clusters of `wherry up` need it not: their node agents do it. The rules stay when it stops: only --cleanup
    removes them.
    """
    context.obj = path
    if context.invoked_subcommand:
        return
    log.setup("networkpolicy")
    try:
        if cleanup:
            asyncio.run(Rules().cleanup())
            return
        client = http.connect_component(path)
        policies = NetworkPolicies(client, node or socket.gethostname().lower())
        servers = [HealthServer("127.0.0.1", port, health=policies.component.health)] if port else []
        process.run(policies.component.run(*servers), client)
    except _PROBLEMS as error:
        raise Failure(" ".join(str(error).split())) from error


@command.command()
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Where the API is.  [default: as kubectl]")
@click.option("--node", required=True, help="The node to plan for.")
@click.pass_obj
def plan(path: str | None, kubeconfig: str | None, node: str) -> None:
    """Print the rules of a node, as nft takes them, touching nothing."""
    with told(*_PROBLEMS):
        rules = asyncio.run(render(http.connect(kubeconfig or path), node))
    click.echo(rules or f"no NetworkPolicy selects a pod of {node}", nl=not rules)
