"""`wherry ingress explain`: what becomes of a URL, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

import click

from wherry.cli.ingress.gathering import from_where, gathered
from wherry.ingress.explain import BadUrl, Explanation, explain
from wherry.ingress.features.answer import Answer
from wherry.ingress.reading import UnsupportedManifest, read


@click.command("explain")
@click.argument("url")
@from_where
@click.option("--client", default="", help="The address that asks, for rules about addresses.  [default: any]")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    url: str, files: tuple[Any, ...], kubeconfig: str | None, name: str | None, client: str, output: str
) -> None:
    """Say which server, location, annotations, backend and endpoints a URL has, what is answered, and why."""
    try:
        address = str(ip_address(client)) if client else ""
    except ValueError as error:
        raise click.UsageError(f"--client {client!r} is not an IP address") from error
    given = gathered(files, kubeconfig, name)
    try:
        said = explain(url, read(given.objects, given.options), given.options, address)
    except (BadUrl, UnsupportedManifest) as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(asdict(said), indent=2) if output == "json" else "\n".join(_lines(said)))


def _lines(said: Explanation) -> Iterator[str]:
    yield said.url
    for label, text in (
        ("server", said.server),
        ("tls", said.tls),
        ("location", said.location),
        ("ingress", said.ingress),
        ("backend", said.backend),
        ("endpoints", ", ".join(said.endpoints)),
        ("path there", said.target),
        ("canary", said.canary),
    ):
        if text:
            yield f"  {label:<12}{text}"
    yield from _listed("in force", [f"{one.name}: {one.value}  ({one.source})" for one in said.annotations])
    yield from _listed("rules", list(said.routes))
    if not said.routes:
        yield from _listed("answer", [_answer(one) for one in said.answers] + _passed(said))
    yield from _listed("wrong", list(said.problems))


def _answer(one: Answer) -> str:
    to = f" to {one.to}" if one.to else ""
    return f"{one.status}{to}{f' if {one.when}' if one.when else ''}: {one.why}"


def _passed(said: Explanation) -> list[str]:
    if said.answers and not said.answers[-1].when:
        return []
    return ["else the endpoint's own" if said.answers else "the endpoint's own"]


def _listed(label: str, lines: list[str]) -> Iterator[str]:
    for number, text in enumerate(lines):
        yield f"  {label if not number else '':<12}{text}"
