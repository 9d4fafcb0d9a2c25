"""A running cluster: its components, and what its API server says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from wherry.cluster import apihealth, reports
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths


def examine(name: str, init: int, paths: Paths) -> Iterator[Finding]:
    """Yield what is found of the components of the sandbox of `init`."""
    failing = reports.read(init)
    for report in failing:
        times = f"ended {report.failures} times in a row" if report.failures > 1 else "ended"
        logs = f"`wherry logs --name {name} {report.component}` has more"
        yield Finding(f"component {report.component}", f"{times}: {report.reason}", logs)
    if not failing:
        yield Finding("components", said="running")
    problem = asyncio.run(apihealth.problem(paths))
    yield Finding("API server", problem, f"`wherry logs --name {name} control-plane` has more", said="ready")
