"""Host ports: two pods cannot have the same one on a node."""

from __future__ import annotations

from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import HostPort, Pod
from wherry.scheduler.snapshot import Node, Snapshot

REASON = "node(s) didn't have free ports for the requested pod ports"
ANY = "0.0.0.0"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes where a port is taken; the address 0.0.0.0 takes it on every address."""
    if not pod.host_ports:
        return None
    return lambda node: [REASON] if any(_taken(port, node) for port in pod.host_ports) else FITS


def _taken(wanted: HostPort, node: Node) -> bool:
    address, protocol, port = wanted
    if address == ANY:
        return any((p, n) == (protocol, port) for _, p, n in node.ports)
    return wanted in node.ports or (ANY, protocol, port) in node.ports


FILTER = Filter("NodePorts", check, frozenset({Event.NODE_ADDED, Event.POD_REMOVED}))
