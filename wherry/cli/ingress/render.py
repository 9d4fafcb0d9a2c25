"""`wherry ingress render`: what the controller would do with a cluster or with manifests, printed."""

from __future__ import annotations

import json
from typing import Any

import click

from wherry.cli.ingress.gathering import from_where, gathered
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.reading import UnsupportedManifest
from wherry.ingress.render import render_objects


@click.command()
@from_where
@click.option("--backends", is_flag=True, help="Print the endpoints pushed beside nginx.conf, as JSON.")
def render(files: tuple[Any, ...], kubeconfig: str | None, name: str | None, backends: bool) -> None:
    """Print the nginx.conf of a cluster, or of manifests, and start nothing."""
    given = gathered(files, kubeconfig, name)
    wanted, objects = given.options, given.objects
    try:
        rendering = render_objects(objects, wanted, Runtime(wanted.directory, wanted.http_port, wanted.https_port))
    except UnsupportedManifest as error:
        raise click.ClickException(str(error)) from error
    if files and not any(obj["kind"] in ("Ingress", "Gateway") for obj in objects):
        click.echo(f"there is no Ingress and no Gateway among these {len(objects)} objects", err=True)
    for problem in rendering.problems:
        click.echo(f"{problem.subject}: {problem.reason}: {problem.message}", err=True)
    click.echo(json.dumps(rendering.backends, indent=2) if backends else rendering.conf, nl=backends)
