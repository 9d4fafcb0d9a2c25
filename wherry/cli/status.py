"""`wherry status`: which clusters there are, and how the nodes and addons of one are."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from wherry.apiserver.state import aside
from wherry.cli import options
from wherry.cluster import datadir, memory, obstacles, power, sandbox
from wherry.cluster.config import ClusterConfig
from wherry.cluster.hostforward import taken
from wherry.cluster.paths import Paths
from wherry.objects.family import bracketed


@click.command()
@click.option("--name", help="One cluster; without it, all of them.")
def command(name: str | None) -> None:
    """Show the clusters, or one cluster's nodes and addons; exit code 1 when one that is named is not ready."""
    names = [name] if name else datadir.known()
    if not names:
        click.echo(f"there is no cluster; `wherry up` makes one{options.of_root()}")
        return
    ready = [_show(n) for n in names]
    if name and not all(ready):
        raise SystemExit(1)


def _show(name: str) -> bool:
    paths, config = options.existing(name)
    pid = sandbox.running(paths)
    if pid is None:
        click.echo(f"{name}: stopped; `{options.verb('up', name)}` starts it again from {paths.data}")
        _tell_set_aside(name, paths)
        return False
    found = memory.processes(pid)
    total = sum(p.pss for p in found) / 2**20
    began = sandbox.since(paths) or time.time()
    click.echo(f"{name}: running for {time.time() - began:.0f} s, {len(found)} processes, {total:.0f} MB")
    click.echo(f"  API https://{bracketed(config.bind)}:{config.api_port}  state {paths.data}")
    for node in {one.name for one in config.nodes} & set(power.off(pid)):
        click.echo(f"  node {node} is off: `{options.verb('node start', name)} {node}`")
    for told in (*obstacles.of_components(pid), *taken.read(pid)):
        click.echo(f"  {told}")
    _tell_set_aside(name, paths)
    return asyncio.run(_workloads(config, paths, began))


def _tell_set_aside(name: str, paths: Paths) -> None:
    """Tell of stored objects that could not be read."""
    folder = aside.beside(paths.state)
    if count := len(aside.files(folder)):
        click.echo(f"  {count} damaged object(s) set aside in {folder}: `{options.verb('doctor', name)}` names them")


async def _workloads(config: ClusterConfig, paths: Paths, began: float) -> bool:
    from wherry.client.http import connect
    from wherry.cluster import readiness
    from wherry.networkpolicy import policy
    from wherry.objects.errors import ApiError
    from wherry.objects.resource import NETWORK_POLICIES, NODES

    client = connect(str(paths.kubeconfig))
    try:
        async with asyncio.timeout(10):
            nodes = (await client.list(NODES)).items
            waiting = await readiness.look(client, config, began)
            wrong = await obstacles.of_objects(client, paths, waiting)
            policies = [policy.read(each) for each in (await client.list(NETWORK_POLICIES)).items]
    except (ApiError, TimeoutError) as error:
        logs = options.verb("logs control-plane", config.name)
        click.echo(f"  the API does not answer: {error or 'timed out'}; see `{logs}`")
        return False
    finally:
        await client.close()
    for node in nodes:
        click.echo(f"  node {node['metadata']['name']}  {_places(node)}")
    for entry in waiting:
        click.echo(f"  waiting for {entry.name}: {entry.ready}/{entry.wanted} ready")
    for obstacle in wrong:
        click.echo(f"  {obstacle}")
    for each in policies:
        for line in each.left_out:
            click.echo(f"  NetworkPolicy {each.namespace}/{each.name}: {line}")
    if not waiting and not wrong:
        click.echo(f"  ready: {len(nodes)} node(s), kube-proxy, {', '.join(config.addons) or 'no addons'}")
    return not waiting and not wrong


def _places(node: dict[str, Any]) -> str:
    """Say where a node and its pods are, in each family."""
    from wherry.objects.meaning import nodes

    addresses, ranges = (" ".join(found) or "-" for found in (nodes.addresses(node), nodes.pod_ranges(node)))
    return f"{addresses}  pods {ranges}"
