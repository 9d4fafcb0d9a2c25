"""Nobody grants by a role or a binding what they may not do themselves, unless they may `escalate` or `bind`.

Source of rules and texts: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
and kubernetes pkg/registry/rbac (policybased), pkg/registry/rbac/validation/rule.go (ConfirmNoEscalation).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.access import rules
from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object, fields
from wherry.objects.errors import Forbidden, NotFound
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES

_ROLE_KINDS = {"Role": ROLES, "ClusterRole": CLUSTER_ROLES}
_EVERYTHING: list[Object] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


def admit(kind: Kind, new: Object, old: Object | None, context: Context, authorizer: Authorizer) -> None:
    """Raise `Forbidden` when the role or binding `new` gives away more than its writer has."""
    if old is not None and _content(new) == _content(old):
        return
    if kind.resource in (ROLES, CLUSTER_ROLES):
        _check_role(kind, new, context, authorizer)
    elif kind.resource in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS):
        _check_binding(kind, new, context, authorizer)


def _content(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key != "metadata"}


def _check_role(kind: Kind, role: Object, context: Context, authorizer: Authorizer) -> None:
    meta, group = role["metadata"], kind.resource.group
    name, namespace = meta.get("name", ""), meta.get("namespace", "")
    asked = Attributes(verb="escalate", group=group, plural=kind.plural, namespace=namespace, name=name)
    if authorizer.allowed(context.user, asked):
        return
    if role.get("aggregationRule") and _beyond(_EVERYTHING, "", context, authorizer):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise Forbidden.of(kind.plural, name, why, group)
    _refuse(kind, name, _beyond(role.get("rules") or (), namespace, context, authorizer), context)


def _check_binding(kind: Kind, binding: Object, context: Context, authorizer: Authorizer) -> None:
    meta, reference, group = binding["metadata"], binding.get("roleRef") or {}, kind.resource.group
    namespace, role_name = meta.get("namespace", ""), reference.get("name")
    resource = _ROLE_KINDS.get(reference.get("kind", ""))
    if resource is None or not role_name or (resource is ROLES and not namespace):
        return  # refused by the kind's own checks
    asked = Attributes(verb="bind", group=group, plural=resource.plural, namespace=namespace, name=role_name)
    if authorizer.allowed(context.user, asked):
        return
    role = context.get(resource, role_name, namespace if resource.namespaced else None)
    if role is None:
        raise NotFound.of(resource.plural, role_name, group)
    missing = _beyond(role.get("rules") or (), namespace, context, authorizer)
    _refuse(kind, meta.get("name", ""), missing, context)


def _beyond(granted: Iterable[Object], namespace: str, context: Context, authorizer: Authorizer) -> list[Attributes]:
    """Return what the rules allow and none of the writer's own does."""
    own = list(authorizer.rules(context.user, namespace))
    return [a for rule in granted for a in rules.attempts(rule, namespace) if not rules.any_covers(own, a)]


def _refuse(kind: Kind, name: str, missing: list[Attributes], context: Context) -> None:
    if missing:
        user = context.user
        why = (
            f"user {fields.quote(user.name)} (groups={_listed(user.groups)}) is attempting to grant RBAC permissions "
            "not currently held:\n" + "\n".join(_described(missing))
        )
        raise Forbidden.of(kind.plural, name, why, kind.resource.group)


def _described(missing: list[Attributes]) -> list[str]:
    """Return a line for each resource or path, as Go prints a PolicyRule."""
    verbs: dict[str, list[str]] = {}
    for asked in missing:
        if asked.path:
            what = f"NonResourceURLs:{_listed([asked.path])}"
        else:
            what = f"APIGroups:{_listed([asked.group])}, Resources:{_listed([asked.resource])}"
            what += f", ResourceNames:{_listed([asked.name])}" if asked.name else ""
        known = verbs.setdefault(what, [])
        if asked.verb not in known:
            known.append(asked.verb)
    return sorted(f"{{{what}, Verbs:{_listed(listed)}}}" for what, listed in verbs.items())


def _listed(values: Iterable[str]) -> str:
    return f"[{' '.join(map(fields.quote, values))}]"
