"""`wherry dns`: the cluster DNS server, and what it would answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from wherry.cli.failure import Failure

KUBECONFIG = click.option(
    "--kubeconfig", type=click.Path(dir_okay=False), help="The cluster; without it, the one this pod is in."
)
COREFILE = click.option("-conf", "--conf", "corefile", default="Corefile", show_default=True, help="The Corefile.")


@contextmanager
def _told() -> Iterator[None]:
    """End with one line for what cannot work."""
    from wherry.client.kubeconfig import ConfigError
    from wherry.dns.errors import CorefileError, LoopError

    try:
        yield
    except TimeoutError as error:
        raise Failure("the API server does not answer, or what is asked may not be listed") from error
    except (CorefileError, LoopError, ConfigError, OSError) as error:
        raise Failure(str(error)) from error


@click.group(invoke_without_command=True, context_settings={"ignore_unknown_options": False})
@KUBECONFIG
@COREFILE
@click.option("--bind", default="", help="The address to listen on.  [default: all]")
@click.option("-dns.port", "--port", "port", type=click.IntRange(1, 65535), help="Listen here instead of port 53.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(
    context: click.Context, kubeconfig: str | None, corefile: str, bind: str, port: int | None, log_format: str
) -> None:
    """Serve the names of a cluster, as its Corefile says."""
    if context.invoked_subcommand:
        return
    from wherry.client.http import connect_component
    from wherry.component import process
    from wherry.dns import component
    from wherry.dns.instance import DnsConfig
    from wherry.telemetry import log

    log.setup("dns", format="json" if log_format == "json" else "text")
    with _told():
        config = DnsConfig(Path(corefile), bind, port)
        process.run(component.run(lambda: connect_component(kubeconfig), config))


@command.command()
@click.argument("corefile", default="Corefile")
def check(corefile: str) -> None:
    """Say whether a Corefile would be served: no cluster is needed."""
    from wherry.dns import instance

    with _told():
        asyncio.run(instance.check(instance.DnsConfig(Path(corefile))))
    click.echo(f"{corefile} is good")


@command.command()
@click.argument("name")
@click.argument("type", default="A")
@KUBECONFIG
@COREFILE
@click.option("--client", default="127.0.0.1", show_default=True, help="The address that asks.")
@click.option("--namespace", "-n", help="Ask as a pod of this namespace: with its search path.")
@click.option("--zone", default="cluster.local", show_default=True, help="The cluster's zone, for the search path.")
def query(
    name: str, type: str, kubeconfig: str | None, corefile: str, client: str, namespace: str | None, zone: str
) -> None:
    """Say what would be answered for NAME, by which plugin, and why."""
    from wherry.client.http import connect
    from wherry.dns.explain import explain
    from wherry.dns.instance import DnsConfig

    search = [f"{namespace}.svc.{zone}", f"svc.{zone}", zone] if namespace else []
    with _told():
        config = DnsConfig(Path(corefile))
        lines = asyncio.run(explain(config, lambda: connect(kubeconfig), name, type.upper(), client, search))
    click.echo("\n".join(lines))
