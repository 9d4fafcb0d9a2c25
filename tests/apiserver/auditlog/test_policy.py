"""Which requests a policy wants, and which policies are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.auditlog.policy import PolicyError, load, parse
from wherry.apiserver.user import User

JANE = User("jane", ("dev", "system:authenticated"))
PODS = Attributes(verb="get", version="v1", plural="pods", namespace="demo", name="a")
LOG = Attributes(verb="get", version="v1", plural="pods", subresource="log", namespace="demo", name="a")
URL = Attributes(verb="get", path="/healthz/etcd")


def level(asked: Attributes, *rules: dict[str, Any], user: User = JANE) -> str:
    made = parse({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules)})
    return made.rule(user, asked).level


@pytest.mark.parametrize(
    ("asked", "rule", "covered"),
    [
        (PODS, {}, True),
        (PODS, {"users": ["joe", "jane"]}, True),
        (PODS, {"users": ["joe"]}, False),
        (PODS, {"userGroups": ["dev"]}, True),
        (PODS, {"userGroups": ["ops"]}, False),
        (PODS, {"verbs": ["list"]}, False),
        (PODS, {"namespaces": ["demo"]}, True),
        (PODS, {"namespaces": ["other"]}, False),
        (URL, {"namespaces": ["demo"]}, False),
        (PODS, {"resources": [{"group": ""}]}, True),
        (PODS, {"resources": [{"group": "apps"}]}, False),
        (PODS, {"resources": [{"resources": ["pods"]}]}, True),
        (LOG, {"resources": [{"resources": ["pods"]}]}, False),
        (LOG, {"resources": [{"resources": ["pods/log"]}]}, True),
        (LOG, {"resources": [{"resources": ["pods/*"]}]}, True),
        (LOG, {"resources": [{"resources": ["*/log"]}]}, True),
        (PODS, {"resources": [{"resources": ["pods/*"]}]}, False),
        (LOG, {"resources": [{"resources": ["*"]}]}, True),
        (PODS, {"resources": [{"resources": ["pods"], "resourceNames": ["a"]}]}, True),
        (PODS, {"resources": [{"resources": ["pods"], "resourceNames": ["b"]}]}, False),
        (URL, {"nonResourceURLs": ["/healthz*"]}, True),
        (URL, {"nonResourceURLs": ["/healthz"]}, False),
        (URL, {"nonResourceURLs": ["*"]}, True),
        (PODS, {"nonResourceURLs": ["*"]}, False),
        (URL, {"resources": [{"group": ""}]}, False),
    ],
)
def test_a_rule_is_about_what_it_names(asked: Attributes, rule: dict[str, Any], covered: bool) -> None:
    assert level(asked, {"level": "Metadata", **rule}) == ("Metadata" if covered else "None")


def test_the_first_rule_counts_and_what_none_is_about_is_not_told() -> None:
    rules = ({"level": "None", "users": ["jane"]}, {"level": "Request"})
    assert level(PODS, *rules) == "None"
    assert level(PODS, *rules, user=User("joe")) == "Request"
    assert level(URL, {"level": "Request", "verbs": ["watch"]}) == "None"


def test_what_the_policy_omits_every_rule_does() -> None:
    rules = [{"level": "Metadata", "omitStages": ["Panic"], "omitManagedFields": False}, {"level": "Request"}]
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}
    made = parse({**document, "omitStages": ["RequestReceived"], "omitManagedFields": True})
    assert made.rules[0].omit_stages == {"RequestReceived", "Panic"}
    assert [rule.omit_managed_fields for rule in made.rules] == [False, True]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"level": "metadata"}, "rules[0].level: 'metadata' is none of None, Metadata, Request, RequestResponse"),
        ({"level": "None", "omitStages": ["Begun"]}, "rules[0].omitStages: 'Begun' is none of RequestReceived,"),
        ({"level": "None", "namespaces": ["a"], "nonResourceURLs": ["/a"]}, "rules[0]: rules cannot apply to both"),
        ({"level": "None", "nonResourceURLs": ["a"]}, "rules[0].nonResourceURLs: 'a' must be '*'"),
        ({"level": "None", "nonResourceURLs": ["/a*b"]}, "rules[0].nonResourceURLs: '/a*b' must be '*'"),
        ({"level": "None", "resources": [{"group": "apps/v1"}]}, "rules[0].resources[0].group: 'apps/v1'"),
        ({"level": "None", "resources": [{"resourceNames": ["a"]}]}, "rules[0].resources[0].resourceNames: using"),
        ({"level": "None", "user": ["a"]}, "Object contains unknown field `user`"),
        ({}, "Object missing required field `level`"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_the_place(rule: dict[str, Any], why: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as refused:
        level(PODS, rule)
    assert str(refused.value).startswith(why)


def test_a_file_that_is_no_policy_is_named(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    for text, why in (
        ("kind: Policy\napiVersion: audit.k8s.io/v1beta1\n", "it is Policy of audit.k8s.io/v1beta1, not Policy of"),
        ("kind: Policy\napiVersion: audit.k8s.io/v1\n", "rules: a policy without rules"),
        ("{", "while parsing"),
    ):
        file.write_text(text)
        with pytest.raises(PolicyError, match=f"^{file}: {why}"):
            load(file)
    with pytest.raises(PolicyError, match="No such file"):
        load(tmp_path / "none")
