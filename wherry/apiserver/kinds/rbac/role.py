"""Role and ClusterRole (rbac.authorization.k8s.io/v1, and the same as v1beta1).

Source: k8s.io/kubernetes pkg/apis/rbac/validation/validation.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, labelselector
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import CLUSTER_ROLES, ROLES

GROUP = ROLES.group
OLDER = ((GROUP, "v1beta1"),)
_CREATED = Column("Created At", lambda obj: cells.text(obj, "metadata", "creationTimestamp"), "date")


def deprecations(kind: str) -> dict[tuple[str, str], str]:
    """Return the warning for the old version of an RBAC kind."""
    text = f"{GROUP}/v1beta1 {kind} is deprecated in v1.17+, unavailable in v1.22+; use {GROUP}/v1 {kind}"
    return {(GROUP, "v1beta1"): text}


def _validate_role(obj: Object) -> list[FieldError]:
    return [e for i, rule in enumerate(obj.get("rules") or ()) for e in _rule(f"rules[{i}]", rule, True)]


def _validate_cluster_role(obj: Object) -> list[FieldError]:
    errors = [e for i, rule in enumerate(obj.get("rules") or ()) for e in _rule(f"rules[{i}]", rule, False)]
    if (aggregation := obj.get("aggregationRule")) is not None:
        path, chosen = "aggregationRule.clusterRoleSelectors", aggregation.get("clusterRoleSelectors") or ()
        if not chosen:
            errors.append(
                fields.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
            )
        for i, selector in enumerate(chosen):
            errors += labelselector.validate(f"{path}[{i}]", selector)
    return errors


def _rule(path: str, rule: Object, namespaced: bool) -> list[FieldError]:
    errors = []
    if not rule.get("verbs"):
        errors.append(fields.required(f"{path}.verbs", "verbs must contain at least one value"))
    groups, resources, named = (rule.get(key) for key in ("apiGroups", "resources", "resourceNames"))
    if urls := rule.get("nonResourceURLs"):
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(fields.invalid(f"{path}.nonResourceURLs", urls, text))
        if groups or resources or named:
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(fields.invalid(f"{path}.nonResourceURLs", urls, text))
        return errors
    if not groups:
        errors.append(fields.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not resources:
        errors.append(fields.required(f"{path}.resources", "resource rules must supply at least one resource"))
    return errors


ROLE = Kind(
    resource=ROLES,
    also=OLDER,
    name_pattern="path-segment",
    create_on_update=True,
    validate=_validate_role,
    deprecations=deprecations("Role"),
    age=False,
    columns=(_CREATED,),
)

CLUSTER_ROLE = Kind(
    resource=CLUSTER_ROLES,
    also=OLDER,
    name_pattern="path-segment",
    create_on_update=True,
    validate=_validate_cluster_role,
    deprecations=deprecations("ClusterRole"),
    age=False,
    columns=(_CREATED,),
)
