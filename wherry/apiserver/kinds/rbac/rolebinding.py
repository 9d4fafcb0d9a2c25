"""RoleBinding and ClusterRoleBinding (rbac.authorization.k8s.io/v1, and the same as v1beta1).

Source: k8s.io/kubernetes pkg/apis/rbac/validation/validation.go, pkg/apis/rbac/v1/defaults.go,
pkg/printers/internalversion/printers.go (printRoleBinding).
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import cells, checks
from wherry.apiserver.kinds.rbac.role import GROUP, OLDER, deprecations
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, ROLE_BINDINGS

_SUBJECTS = ("ServiceAccount", "User", "Group")


def _default(obj: Object) -> None:
    role = obj.setdefault("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or GROUP
    for subject in obj.get("subjects") or ():
        if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = GROUP


def _validator(roles: tuple[str, ...], namespaced: bool) -> Callable[[Object], list[FieldError]]:
    def validate(obj: Object) -> list[FieldError]:
        role = obj["roleRef"]
        errors = []
        if role["apiGroup"] != GROUP:
            errors.append(fields.not_supported("roleRef.apiGroup", role["apiGroup"], (GROUP,)))
        if role.get("kind") not in roles:
            errors.append(fields.not_supported("roleRef.kind", role.get("kind") or "", roles))
        errors += checks.required_name("roleRef.name", role.get("name"), names.path_segment)
        for i, subject in enumerate(obj.get("subjects") or ()):
            errors += _subject(f"subjects[{i}]", subject, namespaced)
        return errors

    return validate


def _subject(path: str, subject: Object, namespaced: bool) -> list[FieldError]:
    kind, name, group = (subject.get(key) or "" for key in ("kind", "name", "apiGroup"))
    errors = [] if name else [fields.required(f"{path}.name")]
    if kind == "ServiceAccount":
        if name:
            errors += checks.named(f"{path}.name", name, names.dns_subdomain)
        if group:
            errors.append(fields.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(fields.required(f"{path}.namespace"))
    elif kind in _SUBJECTS:
        if not name:
            errors.append(fields.invalid(f"{path}.name", name, f"{kind.lower()} name cannot be empty"))
        if group != GROUP:
            errors.append(fields.not_supported(f"{path}.apiGroup", group, (GROUP,)))
    else:
        errors.append(fields.not_supported(f"{path}.kind", kind, _SUBJECTS))
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    role = new["roleRef"]
    if role == old["roleRef"]:
        return []
    # Upstream's internal type has no JSON names.
    shown = {"APIGroup": role["apiGroup"], "Kind": role.get("kind", ""), "Name": role.get("name", "")}
    return [fields.invalid("roleRef", shown, "cannot change roleRef")]


def _role(obj: Object) -> str:
    return f"{cells.text(obj, 'roleRef', 'kind')}/{cells.text(obj, 'roleRef', 'name')}"


def _of_kind(kind: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        chosen = [s for s in obj.get("subjects") or () if s.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{s.get('namespace', '')}/{s.get('name', '')}" for s in chosen)
        return ", ".join(s.get("name", "") for s in chosen)

    return cell


_COLUMNS = (
    Column("Role", _role),
    Column("Users", _of_kind("User"), priority=1),
    Column("Groups", _of_kind("Group"), priority=1),
    Column("ServiceAccounts", _of_kind("ServiceAccount"), priority=1),
)

ROLE_BINDING = Kind(
    resource=ROLE_BINDINGS,
    also=OLDER,
    name_pattern="path-segment",
    create_on_update=True,
    default=_default,
    validate=_validator(("Role", "ClusterRole"), True),
    validate_update=_validate_update,
    deprecations=deprecations("RoleBinding"),
    columns=_COLUMNS,
)

CLUSTER_ROLE_BINDING = Kind(
    resource=CLUSTER_ROLE_BINDINGS,
    also=OLDER,
    name_pattern="path-segment",
    create_on_update=True,
    default=_default,
    validate=_validator(("ClusterRole",), False),
    validate_update=_validate_update,
    deprecations=deprecations("ClusterRoleBinding"),
    columns=_COLUMNS,
)
