"""`wherry doctor`: what is wrong with a cluster, and what to do about it."""

from __future__ import annotations

import datetime

import click

from wherry.cli import options
from wherry.cli.failure import told
from wherry.cli.progress import Progress
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import Paths


@click.command()
@options.name
@click.option("--salvage", is_flag=True, help="Make a new store of every object that can be read of a damaged one.")
def command(name: str, salvage: bool) -> None:
    """Look into a cluster's files, certificates and components, and say what to do; exit code 1 if something is wrong.

    With --salvage, the files of a damaged store are copied aside, and every object that can be read goes into a new
    one. The cluster must be down. What was lost is named as far as it is known.
    """
    from wherry.cluster import doctor  # here: it imports the store

    paths = options.located(name)
    if not paths.data.is_dir():
        raise options.unknown(name)
    if salvage:
        _salvage(name, paths)
    findings = list(doctor.examine(name, paths, datetime.datetime.now(datetime.UTC)))
    for finding in findings:
        if not finding.problem:
            click.echo(f"ok    {finding.subject}: {finding.said}")
    bad = [finding for finding in findings if finding.problem]
    for finding in bad:
        advice = f"\n      ▶ {finding.advice}" if finding.advice else ""
        click.secho(f"bad   {finding.subject}: {finding.problem}{advice}", fg="red")
    if bad:
        raise SystemExit(1)


def _salvage(name: str, paths: Paths) -> None:
    from wherry.cluster.doctor import salvage

    with told(ClusterError), Progress() as progress:
        salvaged = salvage.run(name, paths, datetime.datetime.now(datetime.UTC), progress)
    damaged = f", {salvaged.damaged} of them damaged, which `wherry up` sets aside" if salvaged.damaged else ""
    click.echo(f"kept {salvaged.entries} objects{damaged}; the old files are in {salvaged.folder}")
