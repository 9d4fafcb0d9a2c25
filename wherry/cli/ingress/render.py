"""`wherry ingress render`: what the controller would do with a cluster or with manifests, printed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from wherry.cli.ingress import manifests
from wherry.cli.ingress.connecting import connecting
from wherry.cli.ingress.flags import options
from wherry.client.http import connect
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.options import Options
from wherry.ingress.render import UnsupportedManifest, read_cluster, render_objects
from wherry.objects import Object
from wherry.objects.errors import ApiError


@click.command()
@click.option("--file", "files", type=click.File(), multiple=True, help="Manifests instead of a cluster; - is stdin.")
@click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig of the cluster.  [default: as kubectl]")
@click.option("--backends", is_flag=True, help="Print the endpoints pushed beside nginx.conf, as JSON.")
@click.pass_obj
def render(given: dict[str, Any], files: tuple[Any, ...], kubeconfig: str | None, backends: bool) -> None:
    """Print the nginx.conf of a cluster, or of manifests, and start nothing."""
    wanted = options(given)
    objects = manifests.read(files) if files else asyncio.run(_read(kubeconfig or given["kubeconfig"], given, wanted))
    try:
        rendering = render_objects(objects, wanted, Runtime(wanted.directory, wanted.http_port, wanted.https_port))
    except UnsupportedManifest as error:
        raise click.ClickException(str(error)) from error
    if files and not any(obj["kind"] == "Ingress" for obj in objects):
        click.echo(f"there is no Ingress among these {len(objects)} objects", err=True)
    for problem in rendering.problems:
        click.echo(f"{problem.subject}: {problem.reason}: {problem.message}", err=True)
    click.echo(json.dumps(rendering.backends, indent=2) if backends else rendering.conf, nl=backends)


async def _read(kubeconfig: str | None, given: dict[str, Any], wanted: Options) -> list[Object]:
    client = connecting(connect, kubeconfig, given["context"])
    try:
        return await read_cluster(client, wanted)
    except ApiError as error:
        raise click.ClickException(str(error)) from error
    finally:
        await client.close()
