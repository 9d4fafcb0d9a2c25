"""The default profile: filters in the order they are asked, scores with their weights.

Source of order and weights: upstream pkg/scheduler/apis/config/v1/default_plugins.go.
"""

from __future__ import annotations

from enum import Enum, auto

from wherry.scheduler.filters import (
    nodeaffinity,
    nodename,
    nodeports,
    podaffinity,
    resources,
    tainttoleration,
    topologyspread,
    unschedulable,
)
from wherry.scheduler.plugin import Filter, Score
from wherry.scheduler.scores import balance
from wherry.scheduler.scores import nodeaffinity as nodeaffinity_score
from wherry.scheduler.scores import podaffinity as podaffinity_score
from wherry.scheduler.scores import resources as resources_score
from wherry.scheduler.scores import tainttoleration as tainttoleration_score
from wherry.scheduler.scores import topologyspread as topologyspread_score


class Event(Enum):
    """A change in the cluster that may give a waiting pod a chance."""

    NODE_ADDED = auto()
    NODE_LABELS = auto()
    NODE_TAINTS = auto()
    NODE_ALLOCATABLE = auto()
    POD_ADDED = auto()
    POD_LABELS = auto()
    POD_REMOVED = auto()
    NODE_REMOVED = auto()


FILTERS: tuple[tuple[str, Filter], ...] = (
    ("NodeUnschedulable", unschedulable.check),
    ("NodeName", nodename.check),
    ("TaintToleration", tainttoleration.check),
    ("NodeAffinity", nodeaffinity.check),
    ("NodePorts", nodeports.check),
    ("NodeResourcesFit", resources.check),
    ("PodTopologySpread", topologyspread.check),
    ("InterPodAffinity", podaffinity.check),
)

SCORES: tuple[tuple[str, Score, int], ...] = (
    ("TaintToleration", tainttoleration_score.score, 3),
    ("NodeAffinity", nodeaffinity_score.score, 2),
    ("PodTopologySpread", topologyspread_score.score, 2),
    ("InterPodAffinity", podaffinity_score.score, 2),
    ("NodeResourcesFit", resources_score.score, 1),
    ("NodeResourcesBalancedAllocation", balance.score, 1),
)

_PODS = frozenset({Event.POD_ADDED, Event.POD_LABELS, Event.POD_REMOVED})

HELPFUL: dict[str, frozenset[Event]] = {
    "NodeUnschedulable": frozenset({Event.NODE_ADDED, Event.NODE_TAINTS}),
    "NodeName": frozenset({Event.NODE_ADDED}),
    "TaintToleration": frozenset({Event.NODE_ADDED, Event.NODE_TAINTS}),
    "NodeAffinity": frozenset({Event.NODE_ADDED, Event.NODE_LABELS}),
    "NodePorts": frozenset({Event.NODE_ADDED, Event.POD_REMOVED}),
    "NodeResourcesFit": frozenset({Event.NODE_ADDED, Event.NODE_ALLOCATABLE, Event.POD_REMOVED}),
    "PodTopologySpread": frozenset({Event.NODE_ADDED, Event.NODE_LABELS, Event.NODE_TAINTS, Event.NODE_REMOVED})
    | _PODS,
    "InterPodAffinity": frozenset({Event.NODE_ADDED, Event.NODE_LABELS}) | _PODS,
}
"""Which events may make a filter that refused a pod change its mind. A pod waits for one of those."""
