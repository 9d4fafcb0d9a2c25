"""`wherry logs`: what a component logged."""

from __future__ import annotations

import os

import click

from wherry.cli import options
from wherry.cli.failure import Failure, reset_signals


@click.command()
@options.name
@click.argument("component", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on printing as more is logged.")
@click.option("-n", "--tail", type=click.IntRange(0), help="Only the last lines.")
def command(name: str, component: str | None, follow: bool, tail: int | None) -> None:
    """Show what a COMPONENT logged (init, control-plane, node-NAME, host-forward); without one, all of them.

    Pods' logs (kube-proxy, coredns, the ingress controller) are `kubectl -n kube-system logs`.
    """
    paths, _ = options.existing(name)
    logs = paths.logs
    available = sorted(p.stem for p in logs.glob("*.log"))
    if component and component not in available:
        raise Failure(f"there is no component {component!r}; choose from {', '.join(available)}")
    files = [str(logs / f"{c}.log") for c in ([component] if component else available)]
    lines = "+1" if tail is None else str(tail)
    reset_signals()
    os.execvp("tail", ["tail", "-n", lines, *(["-F"] if follow else []), *files])
