"""A node of a running cluster is switched off and on, and cut off from the others: what happens to machines.

Switched off, all its processes end at once, pods' too, and nothing answers at its address; its files stay. What is off
is written in the sandbox's tmpfs, where the init looks before it starts an agent: with `down` and `up` all are on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from wherry.cluster import memory
from wherry.cluster.config import ClusterConfig
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import LAN_NAMESPACE, OFF, Paths, node_namespace
from wherry.cluster.topology import port
from wherry.net import namespaces
from wherry.net.links import Links

SECONDS = 10.0
PAUSE_SECONDS = 0.02


def is_on(node: str) -> bool:
    """Tell whether a node is switched on. In the sandbox."""
    return not (OFF / node).exists()


def off(init: int) -> list[str]:
    """Return the nodes of the sandbox of `init` that are switched off, or were removed."""
    folder = _within(init, OFF)
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def stop(node: str, config: ClusterConfig, paths: Paths, init: int) -> None:
    """Switch a node off. Raises ClusterError."""
    _known(node, config)
    if node == config.control_plane.name:
        raise ClusterError(f"{node} is where the control plane is: `wherry down` stops all of the cluster")
    marked = _within(init, OFF) / node
    marked.parent.mkdir(exist_ok=True)
    marked.touch()
    partition(node, config, init)
    end = time.monotonic() + SECONDS
    while pids := _processes(node, paths, init):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > end:
            raise ClusterError(f"processes of {node} do not end: {', '.join(map(str, pids))}")
        time.sleep(PAUSE_SECONDS)


def start(node: str, config: ClusterConfig, init: int) -> None:
    """Switch a node on, or do nothing for one that is. Raises ClusterError."""
    _known(node, config)
    heal(node, config, init)
    (_within(init, OFF) / node).unlink(missing_ok=True)
    os.kill(init, signal.SIGHUP)


def partition(node: str, config: ClusterConfig, init: int) -> None:
    """Pull a node's cable: it runs on, and no packet comes to it or from it over the LAN. Raises ClusterError."""
    _cable(node, config, init, plugged=False)


def heal(node: str, config: ClusterConfig, init: int) -> None:
    """Put a node's cable back. Raises ClusterError."""
    _cable(node, config, init, plugged=True)


def _cable(node: str, config: ClusterConfig, init: int, *, plugged: bool) -> None:
    _known(node, config)

    def act() -> None:
        with Links() as links:
            (links.up if plugged else links.down)(port(node))

    namespaces.run(_within(init, LAN_NAMESPACE), act)


def _known(node: str, config: ClusterConfig) -> None:
    names = [one.name for one in config.nodes]
    if node not in names:
        raise ClusterError(f"cluster {config.name} has no node {node!r}; it has {', '.join(names)}")


def _within(init: int, path: Path) -> Path:
    """Return where a path of the sandbox is for this machine."""
    return Path(f"/proc/{init}/root") / path.relative_to("/")


def _processes(node: str, paths: Paths, init: int) -> list[int]:
    """Return a node's processes: who is in its network, and in its pods' control groups."""
    network = os.stat(_within(init, node_namespace(node)))
    group = f":{paths.cgroup}/{node}/"
    found = []
    for pid in memory.below(init):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            own = os.stat(f"/proc/{pid}/ns/net")
            here = (own.st_dev, own.st_ino) == (network.st_dev, network.st_ino)
            if here or group in Path(f"/proc/{pid}/cgroup").read_text():
                found.append(pid)
    return found
