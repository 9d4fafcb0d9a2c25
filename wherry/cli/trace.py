"""`wherry trace`: what would become of a connection, step by step, and why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wherry.cli import options
from wherry.cli.failure import Failure, Misuse

if TYPE_CHECKING:
    from wherry.cluster.config import ClusterConfig
    from wherry.explain.step import Trace


@click.command()
@click.argument("whence", metavar="FROM")
@click.argument("whither", metavar="TO")
@click.option("-n", "--namespace", default="default", show_default=True, help="The namespace of the pod it comes from.")
@click.option("--via", default="", metavar="NODE", help="Where the network leads what comes from outside.")
@click.option("--name", help=f"A cluster of `wherry up`.  [default: {options.DEFAULT}]")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Instead, any other cluster.")
def command(whence: str, whither: str, namespace: str, via: str, name: str | None, kubeconfig: str | None) -> None:
    """Say step by step what would become of a connection, and why. Nothing is sent but questions to the API.

    FROM is pod/NAME, node/NAME, outside or outside/ADDRESS; TO is NAME:PORT, ADDRESS:PORT (with /udp, /sctp), or a URL.
    Exit code 0 when it would be answered, 1 when not.

    \b
      wherry trace pod/client -n demo http://web
      wherry trace pod/client db.prod:5432
      wherry trace outside 192.168.51.209:30080
    """
    options.check_one(name, kubeconfig)
    from wherry.client.kubeconfig import ConfigError
    from wherry.dns.errors import CorefileError, LoopError
    from wherry.explain.step import TraceError
    from wherry.objects.errors import ApiError

    try:
        if kubeconfig:
            told = asyncio.run(_trace(kubeconfig, whence, whither, namespace, via))
        else:
            told = _embedded(name or options.DEFAULT, whence, whither, namespace, via)
    except TraceError as error:
        raise Misuse(str(error)) from error
    except TimeoutError as error:
        raise Failure("the API server does not answer in time") from error
    except (ApiError, ConfigError, CorefileError, LoopError) as error:
        raise Failure(str(error)) from error
    click.echo(told)
    if not told.answered:
        raise SystemExit(1)


def _embedded(name: str, whence: str, whither: str, namespace: str, via: str) -> Trace:
    paths, config, init = options.running(name)
    return asyncio.run(_trace(str(paths.kubeconfig), whence, whither, namespace, via, (config, init)))


async def _trace(
    kubeconfig: str, whence: str, whither: str, namespace: str, via: str, here: tuple[ClusterConfig, int] | None = None
) -> Trace:
    from wherry.client.http import connect
    from wherry.explain import embedded, fetch
    from wherry.explain.trace import trace

    client = connect(kubeconfig)
    try:
        known = await fetch.snapshot(client)
        outside = ""
        if here:
            config, init = here
            known, outside = embedded.with_what_is_seen(known, config, init), config.lan_gateway
        names = await fetch.names(client, lambda: connect(kubeconfig), known)
        return await trace(whence, whither, namespace, known, names, via, outside)
    finally:
        await client.close()
