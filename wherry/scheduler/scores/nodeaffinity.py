"""Preferred node affinity: the more weight a node fulfils the better."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects.nodeaffinity import has_preference, preferred_weight
from wherry.scheduler.plugin import normalized
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Node, Snapshot


def score(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node]) -> Sequence[float] | None:
    """Add up the weights of the preferences that hold."""
    if not has_preference(pod.spec):
        return None
    return normalized([float(preferred_weight(pod.spec, n.object)) for n in nodes])
