"""Does a PolicyRule of RBAC cover an attempt?

Source: k8s.io/component-helpers auth/rbac/validation/policy_compact.go and pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from wherry.apiserver.access.attributes import Attributes
from wherry.objects import Object

ALL = "*"


def covers(rule: Object, asked: Attributes) -> bool:
    """Return whether the rule allows the attempt."""
    if not lists(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(covers_url(url, asked.path) for url in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        lists(rule.get("apiGroups"), asked.group)
        and _covers_resource(rule.get("resources") or (), asked)
        and (not names or asked.name in names)
    )


def any_covers(rules: Iterable[Object], asked: Attributes) -> bool:
    """Return whether one of the rules allows the attempt."""
    return any(covers(rule, asked) for rule in rules)


def attempts(rule: Object, namespace: str = "") -> Iterator[Attributes]:
    """Yield everything the rule allows, one attempt each; `*` stands for itself, which only `*` covers."""
    verbs, names = rule.get("verbs") or (), rule.get("resourceNames") or ("",)
    for url in rule.get("nonResourceURLs") or ():
        yield from (Attributes(verb=verb, path=url) for verb in verbs)
    for group, resource, name, verb in product(rule.get("apiGroups") or (), rule.get("resources") or (), names, verbs):
        plural, _, part = resource.partition("/")
        yield Attributes(verb=verb, group=group, plural=plural, subresource=part, namespace=namespace, name=name)


def lists(listed: Sequence[str] | None, wanted: str) -> bool:
    """Return whether a list of a rule has what is wanted, or `*`; one that is not there has nothing."""
    return listed is not None and (wanted in listed or ALL in listed)


def _covers_resource(resources: Sequence[str], asked: Attributes) -> bool:
    return (
        ALL in resources
        or asked.resource in resources
        or bool(asked.subresource and f"{ALL}/{asked.subresource}" in resources)
    )


def covers_url(pattern: str, path: str) -> bool:
    """Return whether the path of a URL is what a pattern names, or begins with what it has in front of `*`."""
    return pattern in (ALL, path) or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))
