"""A Policy (audit.k8s.io/v1), read from a file like that of kube-apiserver and checked.

Source: apiserver pkg/apis/audit/v1 types.go (the fields), pkg/apis/audit/validation (what is refused), pkg/audit/policy
reader.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from wherry.apiserver.auditlog.rules import LEVELS, STAGES, Policy, Resources, Rule

API_VERSION, KIND = "audit.k8s.io/v1", "Policy"


class PolicyError(ValueError):
    """The policy cannot be used; the text says where and why."""


class _Resources(msgspec.Struct, forbid_unknown_fields=True):
    group: str = ""
    resources: list[str] = []
    resourceNames: list[str] = []


class _Rule(msgspec.Struct, forbid_unknown_fields=True):
    level: str
    users: list[str] = []
    userGroups: list[str] = []
    verbs: list[str] = []
    resources: list[_Resources] = []
    namespaces: list[str] = []
    nonResourceURLs: list[str] = []
    omitStages: list[str] = []
    omitManagedFields: bool | None = None


class _Policy(msgspec.Struct, forbid_unknown_fields=True):
    apiVersion: str
    kind: str
    rules: list[_Rule] = []
    metadata: dict[str, Any] = {}
    omitStages: list[str] = []
    omitManagedFields: bool = False


def load(path: Path) -> Policy:
    """Read a file; raises `PolicyError`, which names it."""
    try:
        return parse(yaml.safe_load(path.read_bytes()))
    except (yaml.YAMLError, PolicyError) as error:
        raise PolicyError(f"{path}: {error}") from error
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from error


def parse(document: Any) -> Policy:
    """Return a policy; raises `PolicyError`."""
    try:
        read = msgspec.convert(document, _Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(str(error)) from error
    if problem := next(_problems(read), None):
        raise PolicyError(problem)
    return Policy([_rule(rule, read) for rule in read.rules])


def _rule(rule: _Rule, policy: _Policy) -> Rule:
    omitted = policy.omitManagedFields if rule.omitManagedFields is None else rule.omitManagedFields
    return Rule(
        level=rule.level,
        users=tuple(rule.users),
        groups=tuple(rule.userGroups),
        verbs=tuple(rule.verbs),
        namespaces=tuple(rule.namespaces),
        resources=tuple(Resources(r.group, tuple(r.resources), tuple(r.resourceNames)) for r in rule.resources),
        urls=tuple(rule.nonResourceURLs),
        omit_stages=frozenset((*policy.omitStages, *rule.omitStages)),
        omit_managed_fields=omitted,
    )


def _problems(policy: _Policy) -> Iterator[str]:
    if (policy.apiVersion, policy.kind) != (API_VERSION, KIND):
        yield f"it is {policy.kind} of {policy.apiVersion}, not {KIND} of {API_VERSION}"
    if not policy.rules:
        yield "rules: a policy without rules tells nothing; `- level: None` says so"
    yield from _unknown_stages("omitStages", policy.omitStages)
    for i, rule in enumerate(policy.rules):
        yield from _rule_problems(f"rules[{i}]", rule)


def _rule_problems(path: str, rule: _Rule) -> Iterator[str]:
    if rule.level not in LEVELS:
        yield f"{path}.level: {rule.level!r} is none of {', '.join(LEVELS)}"
    yield from _unknown_stages(f"{path}.omitStages", rule.omitStages)
    if rule.nonResourceURLs and (rule.resources or rule.namespaces):
        yield f"{path}: rules cannot apply to both regular resources and non-resource URLs"
    for url in rule.nonResourceURLs:
        if url != "*" and (not url.startswith("/") or "*" in url[:-1]):
            yield f"{path}.nonResourceURLs: {url!r} must be '*', or begin with '/' and have '*' at its end only"
    for j, resources in enumerate(rule.resources):
        if "/" in resources.group:
            yield f"{path}.resources[{j}].group: {resources.group!r} must be a group without a version"
        if resources.resourceNames and not resources.resources:
            yield f"{path}.resources[{j}].resourceNames: using resourceNames requires at least one resource"


def _unknown_stages(path: str, stages: list[str]) -> Iterator[str]:
    yield from (f"{path}: {stage!r} is none of {', '.join(STAGES)}" for stage in stages if stage not in STAGES)
