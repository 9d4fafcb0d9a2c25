"""`wherry logs`: what a component logged."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from wherry.cli import options
from wherry.cli.failure import Failure, reset_signals
from wherry.telemetry import logfile


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
    current = [logs / f"{c}.log" for c in ([component] if component else available)]
    if component:
        _print_older(current[0], tail)
    files = current if component or follow or tail is not None else [f for path in current for f in logfile.files(path)]
    lines = "+1" if tail is None else str(tail)
    reset_signals()
    os.execvp("tail", ["tail", "-n", lines, *(["-F"] if follow else []), *map(str, files)])


def _print_older(path: Path, tail: int | None) -> None:
    """Print what was put aside of a log, as far as the last `tail` lines reach back into it."""
    missing = None if tail is None else max(tail - sum(1 for _ in _lines([path])), 0)
    if missing != 0:
        sys.stdout.buffer.writelines(deque(_lines(logfile.files(path)[:-1]), missing))
        sys.stdout.flush()


def _lines(files: Sequence[Path]) -> Iterator[bytes]:
    for path in files:
        with path.open("rb") as file:
            yield from file
