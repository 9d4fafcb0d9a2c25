"""`wherry ingress lint`: what is wrong with manifests, before they are applied."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from wherry.cli.ingress import manifests
from wherry.cli.ingress.flags import options
from wherry.ingress.lint import Finding, Level, lint


@click.command("lint")
@click.argument("files", type=click.File(), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(given: dict[str, Any], files: tuple[Any, ...], output: str) -> None:
    """Say what the controller would refuse, ignore or serve differently of manifests; - is stdin.

    Exit code 1 where there is an error. Each line names the file and which of its documents.
    """
    from wherry.apiserver.kinds.networking.ingress import INGRESS  # here: no other verb needs the API server's rules

    documents = [document for file in files for document in manifests.documents(file)]
    assert INGRESS.validate
    found = lint(documents, options(given), datetime.now(UTC), {"Ingress": INGRESS.validate})
    if output == "json":
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(f"{one.place}: {one.level}: {one.subject}: {one.message}")
        click.echo(_sum(found, sum(one.obj["kind"] == "Ingress" for one in documents)), err=True)
    if any(one.level is Level.ERROR for one in found):
        raise SystemExit(1)


def _sum(found: list[Finding], ingresses: int) -> str:
    counted = Counter(one.level for one in found)
    said = ", ".join(f"{counted[level]} {level}{'' if counted[level] == 1 else 's'}" for level in Level)
    return f"{ingresses} Ingress{'' if ingresses == 1 else 'es'}: {said}"
