"""`wherry ingress migrate`: what becomes of ingress-nginx's Ingresses and settings under this controller."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from wherry.cli.ingress.gathering import from_where, gathered
from wherry.cli.ingress.installed import Controller
from wherry.ingress.migrate import DIFFERS, REFUSED, SAME, Fate, Migration, Note, migrate
from wherry.ingress.reading import UnsupportedManifest, read

_WORDS = {SAME: "the same", DIFFERS: "something differs", REFUSED: "something is refused"}


@click.command("migrate")
@from_where
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(files: tuple[Any, ...], kubeconfig: str | None, name: str | None, output: str) -> None:
    """Say what of a cluster's Ingresses, ConfigMap and flags will be the same, what differs, and what is refused.

    The flags are those of the ingress-nginx that runs there; or give them before `migrate`, such as --configmap.
    """
    given = gathered(files, kubeconfig, name)
    controllers = [given.chosen] if given.chosen else given.controllers
    try:
        found = migrate(read(given.objects, given.options), given.options, [_of_flags(one) for one in controllers])
    except UnsupportedManifest as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(_plain(found), indent=2) if output == "json" else "\n".join(_lines(found)))


def _of_flags(controller: Controller) -> Fate:
    ignored = tuple(Note(f"--{name}", "it has no effect") for name in controller.without_effect)
    same = tuple(f"--{name}" for name in controller.used if name not in controller.without_effect)
    if controller.wrong:
        return Fate(controller.name, refused=(Note("", controller.wrong),))
    return Fate(controller.name, same, ignored)


def _plain(found: Migration) -> dict[str, Any]:
    return {
        "sum": {word: found.count(word) for word in _WORDS},
        "refused": found.refused(),
        "ingresses": [{**asdict(fate), "verdict": fate.verdict} for fate in found.ingresses],
        "controller": [{**asdict(fate), "verdict": fate.verdict} for fate in found.controller],
        "otherControllers": list(found.left),
    }


def _lines(found: Migration) -> Iterator[str]:
    for fate in (*found.controller, *found.ingresses):
        yield from _of(fate)
    if found.left:
        yield f"of other controllers, and not looked at: {', '.join(found.left)}"
    counts = ", ".join(f"{found.count(word)} {said}" for word, said in _WORDS.items())
    yield f"{len(found.ingresses)} Ingress{'' if len(found.ingresses) == 1 else 'es'}: {counts}"
    for name, number in found.refused().items():
        yield f"  refused to {number}: {name}"


def _of(fate: Fate) -> Iterator[str]:
    yield f"{fate.subject}: {_WORDS[fate.verdict]}"
    if fate.same:
        yield f"  same      {', '.join(fate.same)}"
    for label, notes in (("differs", fate.differs), ("refused", fate.refused)):
        for note in notes:
            yield f"  {label:<10}{f'{note.name}: ' if note.name else ''}{note.said}"
    for other in fate.others:
        yield f"  as before {other}"
