"""`wherry dns`: the cluster DNS server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from wherry.cli.failure import Failure


@click.command(context_settings={"ignore_unknown_options": False})
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="The cluster; without it, the one this pod is in.")
@click.option("-conf", "--conf", "corefile", default="Corefile", show_default=True, help="The Corefile.")
@click.option("--bind", default="", help="The address to listen on.  [default: all]")
@click.option("-dns.port", "--port", "port", type=click.IntRange(1, 65535), help="Listen here instead of port 53.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--check", is_flag=True, help="Only check the Corefile.")
def command(kubeconfig: str | None, corefile: str, bind: str, port: int | None, log_format: str, check: bool) -> None:
    """Serve the names of a cluster, as its Corefile says."""
    from wherry.client.http import connect
    from wherry.client.kubeconfig import ConfigError
    from wherry.component import process
    from wherry.dns import component, instance
    from wherry.dns.errors import CorefileError, LoopError
    from wherry.telemetry import log

    log.setup("dns", format="json" if log_format == "json" else "text")
    try:
        config = component.DnsConfig(Path(corefile), bind, port)
        if check:
            asyncio.run(component.check(config))
            click.echo(f"{corefile} is good")
        else:
            process.run(component.run(lambda: connect(kubeconfig), config))
    except (CorefileError, LoopError, ConfigError, OSError) as error:
        raise Failure(str(error)) from error
