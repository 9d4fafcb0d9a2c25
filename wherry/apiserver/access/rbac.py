"""Roles and bindings decide. The bindings are indexed by subject, and decisions kept, until one of the objects changes.

Source of the semantics: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from wherry.apiserver.access import rules
from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.state.state import State
from wherry.apiserver.user import MASTERS, User
from wherry.objects import Object
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

Subject = tuple[str, str]
"""("User" or "Group", name); a service account is the user `system:serviceaccount:NAMESPACE:NAME`."""

LONGEST_MEMORY = 4096
"""Decisions kept before all are dropped."""


class Rbac:
    """May a user do something? `system:masters` may do everything."""

    def __init__(self, state: State):
        self._find = state.find
        self._seen: tuple[int, ...] = ()
        self._bindings: dict[Subject, list[Object]] = {}
        self._decisions: dict[tuple[str, tuple[str, ...], Attributes], bool] = {}

    def allowed(self, user: User, asked: Attributes) -> bool:
        """Return whether some rule bound to the user or one of its groups covers the attempt."""
        if MASTERS in user.groups:
            return True
        self._refresh()
        key = (user.name, user.groups, asked)
        decision = self._decisions.get(key)
        if decision is None:
            if len(self._decisions) >= LONGEST_MEMORY:
                self._decisions.clear()
            decision = rules.any_covers(self.rules(user, asked.namespace), asked)
            self._decisions[key] = decision
        return decision

    def rules(self, user: User, namespace: str) -> Iterator[Object]:
        """Yield the rules that hold for the user in `namespace` ("": cluster-wide ones only)."""
        if MASTERS in user.groups:
            yield {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            yield {"verbs": ["*"], "nonResourceURLs": ["*"]}
        self._refresh()
        for subject in (("User", user.name), *(("Group", group) for group in user.groups)):
            for binding in self._bindings.get(subject, ()):
                bound_to = binding["metadata"].get("namespace", "")
                if bound_to in ("", namespace):
                    yield from self._role_rules(binding["roleRef"], bound_to)

    def _role_rules(self, reference: Object, namespace: str) -> list[Object]:
        resource, namespace = (ROLES, namespace) if reference.get("kind") == "Role" else (CLUSTER_ROLES, "")
        roles = self._find(resource)
        role = roles.get((namespace, reference["name"])) if roles is not None else None
        return (role or {}).get("rules") or []

    def _refresh(self) -> None:
        """Index the bindings again and forget decisions if any RBAC object has changed."""
        collections = [self._find(r) for r in (CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS, CLUSTER_ROLES, ROLES)]
        seen = tuple(c.revision if c is not None else 0 for c in collections)
        if seen == self._seen:
            return
        self._seen = seen
        self._decisions.clear()
        index: dict[Subject, list[Object]] = defaultdict(list)
        for bindings in collections[:2]:
            for binding in bindings.items() if bindings is not None else ():
                for subject in binding.get("subjects") or ():
                    index[_subject(subject, binding)].append(binding)
        self._bindings = dict(index)


def _subject(subject: Object, binding: Object) -> Subject:
    if subject.get("kind") == "ServiceAccount":
        namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
        return "User", f"system:serviceaccount:{namespace}:{subject['name']}"
    return subject.get("kind", "User"), subject["name"]
