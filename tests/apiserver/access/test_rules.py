"""Does a rule cover an attempt? One line a case: rule → what it covers, what it does not."""

from __future__ import annotations

import pytest

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.rules import covers
from wherry.objects import Object


def attempt(text: str) -> Attributes:
    """Return the attempt written `VERB GROUP RESOURCE[/SUB] [NAME]` or `VERB /path`."""
    verb, rest, *more = text.split()
    if rest.startswith("/"):
        return Attributes(verb=verb, path=rest)
    plural, _, subresource = more[0].partition("/")
    group = "" if rest == "core" else rest
    return Attributes(verb=verb, group=group, plural=plural, subresource=subresource, name="".join(more[1:]))


def rule(verbs: str, groups: str, resources: str, names: str = "") -> Object:
    found: Object = {
        "verbs": verbs.split(),
        "apiGroups": ["" if g == "core" else g for g in groups.split()],
        "resources": resources.split(),
    }
    return found | ({"resourceNames": names.split()} if names else {})


URLS: Object = {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*"]}

CASES = [
    (rule("get list", "core", "pods"), "get core pods x", True),
    (rule("get list", "core", "pods"), "delete core pods x", False),
    (rule("get list", "core", "pods"), "get apps pods x", False),
    (rule("get list", "core", "pods"), "get core pods/log x", False),
    (rule("get", "core", "pods/log"), "get core pods/log x", True),
    (rule("get", "core", "pods/log"), "get core pods x", False),
    (rule("get", "core", "*/log"), "get core pods/log x", True),
    (rule("get", "core", "*/log"), "get core pods/exec x", False),
    (rule("*", "*", "*"), "create apps deployments/scale x", True),
    (rule("*", "*", "*"), "get /healthz", False),
    (rule("get", "core", "configmaps", "a b"), "get core configmaps a", True),
    (rule("get", "core", "configmaps", "a b"), "get core configmaps c", False),
    (rule("list", "core", "configmaps", "a"), "list core configmaps", False),
    (URLS, "get /healthz", True),
    (URLS, "get /healthz/ping", False),
    (URLS, "get /api/v1", True),
    (URLS, "post /healthz", False),
    (URLS, "get core pods x", False),
    ({"verbs": ["*"], "nonResourceURLs": ["*"]}, "get /metrics", True),
    ({"verbs": ["get"]}, "get core pods x", False),
]


@pytest.mark.parametrize(("given", "asked", "expected"), CASES)
def test_a_rule_covers(given: Object, asked: str, expected: bool) -> None:
    assert covers(given, attempt(asked)) is expected
