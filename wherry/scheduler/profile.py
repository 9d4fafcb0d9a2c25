"""The default profile: filters in the order they are asked, scores with their weights.

Source of order and weights: upstream pkg/scheduler/apis/config/v1/default_plugins.go.
"""

from __future__ import annotations

from wherry.scheduler.filters import (
    nodeaffinity,
    nodename,
    nodeports,
    podaffinity,
    resources,
    tainttoleration,
    topologyspread,
    unschedulable,
    volumebinding,
    volumerestrictions,
)
from wherry.scheduler.plugin import Filter, Score
from wherry.scheduler.scores import balance
from wherry.scheduler.scores import nodeaffinity as nodeaffinity_score
from wherry.scheduler.scores import podaffinity as podaffinity_score
from wherry.scheduler.scores import resources as resources_score
from wherry.scheduler.scores import tainttoleration as tainttoleration_score
from wherry.scheduler.scores import topologyspread as topologyspread_score

FILTERS: tuple[Filter, ...] = (
    unschedulable.FILTER,
    nodename.FILTER,
    tainttoleration.FILTER,
    nodeaffinity.FILTER,
    nodeports.FILTER,
    resources.FILTER,
    volumerestrictions.FILTER,
    volumebinding.FILTER,
    topologyspread.FILTER,
    podaffinity.FILTER,
)

SCORES: tuple[tuple[Score, int], ...] = (
    (tainttoleration_score.score, 3),
    (nodeaffinity_score.score, 2),
    (topologyspread_score.score, 2),
    (podaffinity_score.score, 2),
    (resources_score.score, 1),
    (balance.score, 1),
)
