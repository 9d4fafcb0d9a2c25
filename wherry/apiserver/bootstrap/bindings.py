"""Who has the bootstrap roles.

Source: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go (ClusterRoleBindings).
"""

from __future__ import annotations

from wherry.apiserver.bootstrap.roles import RBAC, metadata
from wherry.apiserver.user import AUTHENTICATED, MASTERS, UNAUTHENTICATED
from wherry.objects import Object

GROUPS: dict[str, tuple[str, ...]] = {
    "cluster-admin": (MASTERS,),
    "system:basic-user": (AUTHENTICATED,),
    "system:discovery": (AUTHENTICATED,),
    "system:public-info-viewer": (AUTHENTICATED, UNAUTHENTICATED),
    "system:service-account-issuer-discovery": ("system:serviceaccounts",),
    "system:monitoring": ("system:monitoring",),
    "system:node": ("system:nodes",),
}
"""The groups bound to each role; the binding has the role's name."""

USERS = {
    "system:kube-scheduler": "system:kube-scheduler",
    "system:kube-controller-manager": "system:kube-controller-manager",
    "system:node-proxier": "system:kube-proxy",
}
"""The one user bound to each role."""


def bindings() -> list[Object]:
    """Return the ClusterRoleBindings."""
    found = [_binding(role, [("Group", group) for group in groups]) for role, groups in GROUPS.items()]
    return found + [_binding(role, [("User", user)]) for role, user in USERS.items()]


def _binding(role: str, subjects: list[tuple[str, str]]) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata(role),
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": kind, "name": name} for kind, name in subjects],
    }
