"""Two lists of tolerations become one, without what another one makes needless."""

from __future__ import annotations

import pytest

from wherry.apiserver.kinds.core.taints import merged
from wherry.objects import Object

KEY = {"key": "a", "operator": "Exists"}
SHORT = {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
LONG = {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 9}
VALUE = {"key": "a", "value": "b", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ([KEY], [KEY], [KEY]),
        ([VALUE], [KEY], [KEY]),
        ([KEY], [VALUE], [KEY]),
        ([VALUE], [{"operator": "Exists"}], [{"operator": "Exists"}]),
        ([{**VALUE, "key": "other"}], [KEY], [{**VALUE, "key": "other"}, KEY]),
        ([{**VALUE, "value": "c"}], [VALUE], [{**VALUE, "value": "c"}, VALUE]),
        ([VALUE], [{**VALUE, "effect": ""}], [{**VALUE, "effect": ""}]),
        ([KEY], [{**KEY, "effect": "NoSchedule"}], [KEY]),
        ([SHORT], [LONG], [LONG]),
        ([LONG], [SHORT], [LONG]),
        ([{**SHORT, "tolerationSeconds": None}], [LONG], [{**SHORT, "tolerationSeconds": None}]),
        ([VALUE], [SHORT], [VALUE, SHORT]),
    ],
)
def test_what_is_covered_goes(first: list[Object], second: list[Object], both: list[Object]) -> None:
    assert merged(first, second) == both
