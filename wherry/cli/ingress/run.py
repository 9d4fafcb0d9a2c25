"""`wherry ingress` itself: run the controller until told to end."""

from __future__ import annotations

import logging
from typing import Any

import click

from wherry.cli.goflags import WITHOUT_EFFECT
from wherry.cli.ingress import explain, lint, migrate
from wherry.cli.ingress.connecting import connecting
from wherry.cli.ingress.flags import SPELLING, declare, options
from wherry.cli.ingress.render import render
from wherry.client.http import connect_component
from wherry.component import process
from wherry.ingress import component
from wherry.ingress.guardian import guard
from wherry.telemetry import log as logs

log = logging.getLogger(__name__)


class _Group(click.Group):
    """Lets the first argument be the program's name, as the container arguments of ingress-nginx' manifest have it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Drop the program's name."""
        if args and args[0].rpartition("/")[2] == "nginx-ingress-controller":
            args = args[1:]
        return super().parse_args(ctx, args)


@click.group(
    cls=_Group,
    invoke_without_command=True,
    context_settings={**SPELLING, "help_option_names": ["-h", "--help"]},
)
@declare
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Run the Ingress controller: nginx, driven by the cluster's Ingresses."""
    ctx.obj = given
    if ctx.invoked_subcommand is None:
        _run(given, ctx.meta.get(WITHOUT_EFFECT, []))


for verb in (render, explain.command, lint.command, migrate.command):
    command.add_command(verb)


def _run(given: dict[str, Any], without_effect: list[str]) -> None:
    logs.setup("ingress", format=given["log_format"], level=given["log_level"])
    for name in without_effect:
        log.warning("option %s has no effect here", name)
    wanted = options(given)
    guard()
    try:
        client = connecting(connect_component, given["kubeconfig"], given["context"])
        process.run(component.run(client, wanted), client)
    except (*component.FATAL, BaseExceptionGroup) as error:
        causes = _leaves(error)
        if not all(isinstance(cause, component.FATAL) for cause in causes):
            raise
        raise click.ClickException("; ".join(map(str, causes))) from error


def _leaves(error: BaseException) -> list[BaseException]:
    return [leaf for e in error.exceptions for leaf in _leaves(e)] if isinstance(error, BaseExceptionGroup) else [error]
