"""May a user do something? The rules of RBAC say so, or, to a node, the pods that run on it."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.nodes import NodeRights
from wherry.apiserver.access.rbac import Rbac
from wherry.apiserver.user import User
from wherry.objects import Object


class Authorizer:
    """Says yes when one of its authorities does."""

    def __init__(self, rbac: Rbac, nodes: NodeRights):
        self._rbac = rbac
        self._nodes = nodes

    def allowed(self, user: User, asked: Attributes) -> bool:
        """Return whether the attempt is allowed."""
        return self._rbac.allowed(user, asked) or self._nodes.allowed(user, asked)

    def require(self, user: User, asked: Attributes) -> None:
        """Raise `Forbidden` unless the attempt is allowed."""
        if not self.allowed(user, asked):
            raise asked.forbidden(user)

    def rules(self, user: User, namespace: str) -> Iterator[Object]:
        """Yield the rules of RBAC that hold for the user in `namespace` ("": cluster-wide ones only)."""
        return self._rbac.rules(user, namespace)
