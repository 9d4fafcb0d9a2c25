"""What the verbs that only look share: objects from files or from a cluster, as the controller there sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

import click
from click.core import ParameterSource

from wherry.cli.ingress import manifests
from wherry.cli.ingress.connecting import connecting
from wherry.cli.ingress.flags import options
from wherry.cli.ingress.installed import Controller, installed
from wherry.client.http import connect
from wherry.ingress.options import Options
from wherry.ingress.reading import read_cluster
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import DAEMON_SETS, DEPLOYMENTS

F = TypeVar("F", bound=Callable[..., Any])

WHERE = ("kubeconfig", "context", "log_format", "log_level")
"""Flags that say where to look and how to talk, not how a controller serves."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Objects, the options they are read with, and the controllers that run among them.

    `chosen` is the one whose options those are; None: those of the command line.
    """

    objects: list[Object]
    options: Options
    controllers: list[Controller]
    chosen: Controller | None = None


def from_where(function: F) -> F:
    """Declare the options of `gathered`."""
    for option in (
        click.option("--name", help="A cluster of this machine, by its name."),
        click.option("--kubeconfig", type=click.Path(dir_okay=False), help="Kubeconfig.  [default: as kubectl]"),
        click.option("--file", "files", type=click.File(), multiple=True, help="Manifests instead; - is stdin."),
    ):
        function = option(function)
    return function


def gathered(files: Sequence[TextIO], kubeconfig: str | None, name: str | None) -> Gathered:
    """Return what the files or the cluster have; raises `click.ClickException`.

    Unless the command line says how the controller serves, it is read from the one that runs there.
    """
    group = click.get_current_context().parent
    assert group is not None
    if sum(map(bool, (files, kubeconfig, name))) > 1:
        raise click.UsageError("say one of --file, --kubeconfig and --name")
    wanted = options(group.params)
    objects = (
        manifests.read(files) if files else asyncio.run(_read(_kubeconfig(kubeconfig, name), group.params, wanted))
    )
    controllers = installed(objects)
    said = [p for p in group.params if p not in WHERE and group.get_parameter_source(p) is ParameterSource.COMMANDLINE]
    chosen = None if said else next((one for one in controllers if one.options), None)
    if chosen is None or chosen.options is None:
        return Gathered(objects, wanted, controllers)
    if len(controllers) > 1:
        others = ", ".join(one.name for one in controllers if one is not chosen)
        click.echo(f"as {chosen.name} sees it; for {others} give its flags before this verb", err=True)
    return Gathered(_watched(objects, chosen.options), chosen.options, controllers, chosen)


def _kubeconfig(kubeconfig: str | None, name: str | None) -> str | None:
    if name is None:
        return kubeconfig
    from wherry.cli import options as clusters  # here: the controller of a real cluster has none of this machine

    paths, _ = clusters.existing(name)
    return str(paths.kubeconfig)


def _watched(objects: list[Object], wanted: Options) -> list[Object]:
    """Return the objects without the Ingresses of namespaces that are not watched."""
    if wanted.namespace is None:
        return objects
    return [o for o in objects if o["kind"] != "Ingress" or o["metadata"].get("namespace") == wanted.namespace]


async def _read(kubeconfig: str | None, given: dict[str, Any], wanted: Options) -> list[Object]:
    client = connecting(connect, kubeconfig or given["kubeconfig"], given["context"])
    try:
        return await read_cluster(client, wanted, (DEPLOYMENTS, DAEMON_SETS))
    except ApiError as error:
        raise click.ClickException(str(error)) from error
    finally:
        await client.close()
