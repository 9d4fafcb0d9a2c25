"""No write takes the objects of a namespace beyond its ResourceQuotas.

Called last, with nothing between it and the commit, and it counts the newest objects, writes under way included: what
is allowed holds, however many write at once. The price is a look at the namespace's objects of that kind, and only
where a quota counts them. Several API servers on one store see one another's writes a moment later, and so may allow a
few too many between them; `status.used` shows it.
Source: k8s.io/apiserver pkg/admission/plugin/resourcequota/controller.go; pkg/quota/v1/evaluator/core/pods.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object, quantity
from wherry.objects.errors import Forbidden
from wherry.objects.meaning import quotas
from wherry.objects.meaning.quotas import Amounts
from wherry.objects.metadata import key
from wherry.objects.resource import PODS, RESOURCE_QUOTAS, Resource


def admit(kind: Kind, new: Object, old: Object | None, context: Context) -> None:
    """Raise `Forbidden` where a namespace's quotas leave no room for `new`, or cannot count it."""
    namespace = new["metadata"].get("namespace")
    if not namespace or "deletionTimestamp" in new["metadata"]:
        return
    if kind.resource == PODS and context.subresource not in ("", "resize"):
        return  # a node that tells what it has done asks for nothing
    found = sorted(context.list(RESOURCE_QUOTAS, namespace), key=lambda q: str(q["metadata"]["name"]))
    if not found:
        return
    after = quotas.charge(kind.resource, new)
    before = quotas.charge(kind.resource, old) if old is not None else {}
    for quota in found:
        if not quotas.concerns(quota, kind.resource, new):
            continue
        limits = {name: amount for name, amount in quotas.hard(quota).items() if _counts(name, kind.resource)}
        why = _uncountable(quota, new, limits) if kind.resource == PODS and old is None else ""
        had = before if old is not None and quotas.concerns(quota, kind.resource, old) else {}
        more = {n: after[n] - had.get(n, 0) for n in limits.keys() & after.keys() if after[n] > had.get(n, 0)}
        why = why or (_exceeded(quota, more, limits, _others(quota, kind.resource, new, context), had) if more else "")
        if why:
            raise Forbidden.of(kind.plural, new["metadata"].get("name", ""), why, kind.resource.group)


def _counts(name: str, resource: Resource) -> bool:
    return quotas.resource_of(name) == (resource.group, resource.plural)


def _others(quota: Object, resource: Resource, new: Object, context: Context) -> Iterable[Amounts]:
    mine = key(new)
    for obj in context.list(resource, new["metadata"]["namespace"]):
        if key(obj) != mine and quotas.concerns(quota, resource, obj):
            yield quotas.charge(resource, obj)


def _exceeded(quota: Object, more: Amounts, limits: Object, others: Iterable[Amounts], had: Amounts) -> str:
    used = quotas.total(more, [*others, had])
    over = sorted(n for n in more if used[n] + more[n] > quantity.parse(limits[n]).nano)
    if not over:
        return ""
    words = ("requested", quotas.shown(more, limits)), ("used", quotas.shown(used, limits)), ("limited", limits)
    told = ", ".join(f"{word}: {','.join(f'{name}={amounts[name]}' for name in over)}" for word, amounts in words)
    return f"exceeded quota: {quota['metadata']['name']}, {told}"


def _uncountable(quota: Object, pod: Object, limits: Iterable[str]) -> str:
    """Say which containers do not say how much they need of what is limited: a quota of it can count nothing else."""
    wanted = sorted(n for n in limits if quotas.is_of_pods(n) and n != "pods" and not n.startswith("hugepages-"))
    lacking = {name: missing for name in wanted if (missing := _lacking(pod["spec"], name))}
    if not lacking:
        return ""
    told = "; ".join(f"{name} for: {','.join(containers)}" for name, containers in lacking.items())
    return f"failed quota: {quota['metadata']['name']}: must specify {told}"


def _lacking(spec: Object, name: str) -> list[str]:
    key, bare = ("limits", name[7:]) if name.startswith("limits.") else ("requests", name.removeprefix("requests."))
    if "/" in bare or bare.startswith("hugepages-") or bare in ((spec.get("resources") or {}).get(key) or {}):
        return []
    containers = (*(spec.get("initContainers") or ()), *(spec.get("containers") or ()))
    return sorted(c["name"] for c in containers if bare not in ((c.get("resources") or {}).get(key) or {}))
