"""Which rule of a policy a request falls under: the first that is about it.

Source: apiserver pkg/audit/policy/checker.go; https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.user import User

NONE, METADATA, REQUEST, REQUEST_RESPONSE = "None", "Metadata", "Request", "RequestResponse"
LEVELS = (NONE, METADATA, REQUEST, REQUEST_RESPONSE)
"""From what tells nothing to what tells all."""
RECEIVED, STARTED, COMPLETE, PANIC = "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"
STAGES = (RECEIVED, STARTED, COMPLETE, PANIC)


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of one group, "" is core's; nothing named is all of them."""

    group: str = ""
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def has(self, asked: Attributes) -> bool:
        """Return whether a request is about one of them."""
        if self.group != asked.group:
            return False
        if not self.resources:
            return True
        if self.names and asked.name not in self.names:
            return False
        return any(_is(wanted, asked) for wanted in self.resources)


def _is(wanted: str, asked: Attributes) -> bool:
    if wanted in ("*", asked.resource):
        return True
    if asked.subresource:
        return wanted in (f"*/{asked.subresource}", f"{asked.plural}/*")
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Requests, and the level at which they are told of; what is empty is about all."""

    level: str
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    urls: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def covers(self, user: User, asked: Attributes) -> bool:
        """Return whether it is about what `user` asks for."""
        if self.users and user.name not in self.users:
            return False
        if self.groups and not set(self.groups) & set(user.groups):
            return False
        if self.verbs and asked.verb not in self.verbs:
            return False
        if self.namespaces or self.resources:
            return not asked.path and self._about(asked)
        return not self.urls or (bool(asked.path) and any(_leads(url, asked.path) for url in self.urls))

    def _about(self, asked: Attributes) -> bool:
        if self.namespaces and asked.namespace not in self.namespaces:
            return False
        return not self.resources or any(one.has(asked) for one in self.resources)


def _leads(url: str, path: str) -> bool:
    return path.startswith(url.removesuffix("*")) if url.endswith("*") else url == path


_NOTHING = Rule(level=NONE)


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in their order."""

    rules: Sequence[Rule]

    def rule(self, user: User, asked: Attributes) -> Rule:
        """Return the rule of a request; nothing is told of what none is about."""
        return next((rule for rule in self.rules if rule.covers(user, asked)), _NOTHING)
