"""Host ports: two pods cannot have the same one on a node."""

from __future__ import annotations

from wherry.objects.meaning.pods import is_taken
from wherry.scheduler.plugin import FITS, Check, Event, Filter
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

REASON = "node(s) didn't have free ports for the requested pod ports"


def check(pod: Pod, snapshot: Snapshot) -> Check | None:
    """Refuse nodes where a port is taken; the address 0.0.0.0 takes it on every address."""
    if not pod.host_ports:
        return None
    return lambda node: [REASON] if any(is_taken(port, node.ports) for port in pod.host_ports) else FITS


FILTER = Filter("NodePorts", check, frozenset({Event.NODE_ADDED, Event.POD_REMOVED}))
