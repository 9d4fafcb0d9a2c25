"""Taints and node affinity: which nodes are left to a pod."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.objects import Object
from wherry.objects.nodeaffinity import preferred_weight, term_matches
from wherry.objects.taints import tolerates, untolerated

TAINT = {"key": "smoke", "value": "true", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"key": "smoke", "operator": "Equal", "value": "true", "effect": "NoSchedule"}, True),
        ({"key": "smoke", "value": "true"}, True),
        ({"key": "smoke", "value": "false"}, False),
        ({"key": "smoke", "operator": "Exists"}, True),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "drunk", "operator": "Exists"}, False),
        ({"value": "true"}, False),
    ],
)
def test_a_toleration_covers_a_taint_of_its_key_value_and_effect(toleration: Object, expected: bool) -> None:
    assert tolerates(toleration, TAINT) is expected


def test_only_the_effects_asked_for_count() -> None:
    assert untolerated([TAINT], [], ("NoSchedule",)) == TAINT
    assert untolerated([TAINT], [], ("NoExecute",)) is None


def node(**labels: str) -> Object:
    return {"metadata": {"name": "n1", "labels": labels}}


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        (("cpu", "In", ["8"]), True),
        (("cpu", "In", ["4"]), False),
        (("gpu", "In", ["1"]), False),
        (("cpu", "NotIn", ["4"]), True),
        (("gpu", "NotIn", ["1"]), True),
        (("cpu", "Exists", []), True),
        (("gpu", "DoesNotExist", []), True),
        (("cpu", "Gt", ["7"]), True),
        (("cpu", "Lt", ["8"]), False),
        (("gpu", "Gt", ["0"]), False),
        (("zone", "Gt", ["0"]), False),
        (("cpu", "Mystery", ["8"]), False),
    ],
)
def test_a_requirement_looks_at_one_label(requirement: tuple[str, str, list[str]], expected: bool) -> None:
    key, operator, values = requirement
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}
    assert term_matches(term, node(cpu="8", zone="a")) is expected


def test_an_empty_term_matches_nothing_but_an_empty_preference_everything() -> None:
    assert not term_matches({}, node())
    preferences: list[Any] = [{"weight": 3, "preference": {}}]
    affinity = {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferences}}}
    assert preferred_weight(affinity, node()) == 3


def test_fields_and_expressions_must_hold_together() -> None:
    by_name = {"key": "metadata.name", "operator": "In", "values": ["n1"]}
    by_label = {"key": "x", "operator": "Exists"}
    assert term_matches({"matchFields": [by_name]}, node())
    assert not term_matches({"matchFields": [by_name], "matchExpressions": [by_label]}, node())
