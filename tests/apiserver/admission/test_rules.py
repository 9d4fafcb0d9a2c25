"""Which requests a webhook's rules are about."""

from __future__ import annotations

import pytest

from wherry.apiserver.admission import rules
from wherry.apiserver.admission.rules import About
from wherry.objects.resource import DEPLOYMENTS

RULE = {"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
ABOUT = About(DEPLOYMENTS, "", "CREATE", namespaced=True)


def test_a_rule_is_about_what_all_its_lists_name() -> None:
    assert rules.matches(RULE, ABOUT)
    assert rules.matches(RULE | {"scope": "Namespaced"}, ABOUT)
    assert not rules.matches(RULE | {"scope": "Cluster"}, ABOUT)
    assert not rules.matches(RULE, ABOUT._replace(subresource="scale"))
    assert rules.matches(RULE | {"resources": ["*/scale"]}, ABOUT._replace(subresource="scale"))


@pytest.mark.parametrize("part", [*RULE, "scope"])
def test_a_stored_rule_may_lack_anything(part: str) -> None:
    """A missing list is Go's nil: nothing is in it. A missing scope is every scope."""
    for rule in ({k: v for k, v in RULE.items() if k != part}, RULE | {part: None}):
        assert rules.matches(rule, ABOUT) is (part == "scope")
