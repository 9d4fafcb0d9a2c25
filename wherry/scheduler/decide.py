"""Pure: the node for a pod, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from wherry.scheduler.message import explain, explain_everywhere
from wherry.scheduler.plugin import Check, Everywhere
from wherry.scheduler.pod import Pod
from wherry.scheduler.profile import FILTERS, SCORES
from wherry.scheduler.snapshot import Node, Snapshot

ALL_UP_TO = 100
LEAST_PERCENT = 5


class Chosen(NamedTuple):
    """The node to bind the pod to."""

    node: str


class Unschedulable(NamedTuple):
    """No node fits: the message for the user, and the filters that refused (empty: there are no nodes).

    `refusals`: the filter that refused each node, unless one refused them all at once.
    """

    message: str
    refused_by: frozenset[str]
    refusals: Mapping[str, str] = {}


def decide(pod: Pod, snapshot: Snapshot, random: Random) -> Chosen | Unschedulable:
    """Filter the nodes, score what is left, and choose one of the best at random."""
    nodes = list(snapshot.nodes.values())
    checks: list[tuple[str, Check]] = []
    for one in FILTERS:
        check = one.prepare(pod, snapshot)
        if isinstance(check, Everywhere):
            return Unschedulable(explain_everywhere(len(nodes), check.reason), frozenset({one.name}))
        if check is not None:
            checks.append((one.name, check))
    start = random.randrange(len(nodes)) if len(nodes) > ALL_UP_TO else 0
    wanted = enough(len(nodes))
    fitting: list[Node] = []
    reasons: list[Sequence[str]] = []
    refusals: dict[str, str] = {}
    for node in nodes[start:] + nodes[:start]:
        refusal = _refusal(checks, node) or _crowded_out(pod, snapshot, node)
        if refusal is None:
            fitting.append(node)
            if len(fitting) == wanted:
                break
        else:
            refusals[node.name] = refusal[0]
            reasons.append(refusal[1])
    if not fitting:
        return Unschedulable(explain(len(nodes), reasons), frozenset(refusals.values()), refusals)
    return Chosen(best(pod, snapshot, fitting, random).name)


def enough(nodes: int) -> int:
    """Return how many fitting nodes are worth comparing: all of a small cluster, a share of a large one.

    Source: upstream pkg/scheduler/schedule_one.go (`numFeasibleNodesToFind`).
    """
    if nodes <= ALL_UP_TO:
        return nodes
    return max(ALL_UP_TO, nodes * max(LEAST_PERCENT, 50 - nodes // 125) // 100)


def _refusal(checks: Sequence[tuple[str, Check]], node: Node) -> tuple[str, Sequence[str]] | None:
    """Return the first filter that refuses the node, with its reasons."""
    for name, check in checks:
        if reasons := check(node):
            return name, reasons
    return None


def _crowded_out(pod: Pod, snapshot: Snapshot, node: Node) -> tuple[str, Sequence[str]] | None:
    """Return what refuses a node that is good but for the pods it is being cleared for, which go first."""
    waiting = (one for one in snapshot.nominated(node.name) if one.uid != pod.uid and not snapshot.holds(one.uid))
    rivals = [one for one in waiting if one.priority >= pod.priority]
    if not rivals:
        return None
    for rival in rivals:
        snapshot.put_back(rival, node.name)
    try:
        return _alone(pod, snapshot, node)
    finally:
        for rival in rivals:
            snapshot.remove_pod(rival.uid)


def _alone(pod: Pod, snapshot: Snapshot, node: Node) -> tuple[str, Sequence[str]] | None:
    """Return the first filter that refuses one node, with its reasons, whatever the others."""
    for one in FILTERS:
        check = one.prepare(pod, snapshot)
        if isinstance(check, Everywhere):
            return one.name, [check.reason]
        if check is not None and (reasons := check(node)):
            return one.name, reasons
    return None


def fits(pod: Pod, snapshot: Snapshot, node: Node) -> bool:
    """Return whether no filter refuses a node, also when the pods it is being cleared for have come."""
    return _alone(pod, snapshot, node) is None and _crowded_out(pod, snapshot, node) is None


def best(pod: Pod, snapshot: Snapshot, nodes: Sequence[Node], random: Random) -> Node:
    """Return one of the nodes with the highest weighted score."""
    if len(nodes) == 1:
        return nodes[0]
    totals = [0.0] * len(nodes)
    for score, weight in SCORES:
        for i, value in enumerate(score(pod, snapshot, nodes) or ()):
            totals[i] += weight * int(value)  # whole points, as upstream counts, so that near ties are ties
    highest = max(totals)
    return random.choice([n for n, total in zip(nodes, totals, strict=True) if total == highest])
