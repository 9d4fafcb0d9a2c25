"""What the proxies on the nodes of a cluster of `wherry up` show at their loopback, where nobody else reaches them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from wherry.cluster.paths import node_namespace

SECONDS = 20.0
_SCRIPT = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1], timeout=10).read().decode())"


def node_metrics(nodes: Iterable[str], init: int, port: int) -> dict[str, str | Exception]:
    """Return the metrics at a port of each node's loopback, or why they are not had. Needs root; `init` is its pid."""
    return {node: _metrics(node, init, f"http://127.0.0.1:{port}/metrics") for node in nodes}


def _metrics(node: str, init: int, url: str) -> str | Exception:
    inside = ["nsenter", f"--net={node_namespace(node)}", "--", sys.executable, "-c", _SCRIPT, url]
    command = ["nsenter", f"--target={init}", "--mount", "--pid", "--", *inside]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return error
    if done.returncode:
        return OSError((done.stderr.strip().splitlines() or ["no answer"])[-1])
    return done.stdout
