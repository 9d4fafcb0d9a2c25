"""What a volumeMount's subPath is."""

from __future__ import annotations

import re

import pytest

from wherry.node.volumes import kinds
from wherry.node.volumes.errors import VolumeError


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("/tmp", "error SubPath `/tmp` must not be an absolute path"),
        ("a/../../etc", "unable to provision SubPath `a/../../etc`: must not contain '..'"),
        (None, 'missing value for "NAME"'),
    ],
)
def test_what_a_sub_path_expression_amounts_to_is_held_to_a_sub_paths_rules(value: str | None, problem: str):
    env = {} if value is None else {"NAME": value}
    with pytest.raises(VolumeError, match=f"^{re.escape(problem)}$"):
        kinds.sub_path({"name": "v", "mountPath": "/data", "subPathExpr": "$(NAME)"}, env)


def test_a_doubled_dollar_in_a_sub_path_expression_refers_to_nothing():
    assert kinds.sub_path({"subPathExpr": "$$(NAME)"}, {}) == "$(NAME)"
