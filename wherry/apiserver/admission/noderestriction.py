"""A node writes only what is its own: its Node, its Lease, the pods bound to it.

Source of rules and texts: kubernetes plugin/pkg/admission/noderestriction/admission.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.apiserver.access import nodes
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.user import User
from wherry.objects import Object, metadata, podreferences
from wherry.objects.errors import Forbidden
from wherry.objects.meaning.pods import is_mirror
from wherry.objects.meaning.volumes import LOCAL_PATH_NODE
from wherry.objects.meaning.wellknown import MIRROR_POD, NODE_LEASE_NAMESPACE
from wherry.objects.resource import LEASES, NODES, PERSISTENT_VOLUMES, PODS

_RESERVED = "node-restriction.kubernetes.io"
"""The domain of labels that only people set, to keep pods on nodes they trust."""


def admit(kind: Kind, new: Object, old: Object | None, context: Context) -> None:
    """Raise `Forbidden` when the user is a node and may not write `new`."""
    if not (node := nodes.name_of(context.user)):
        return
    if kind.resource == PODS and old is None:
        _check_mirror(new, node, context)
    elif kind.resource == PODS:
        _require_bound(old or new, node, "update pod status for")
    elif kind.resource == NODES:
        _check_node(new, old, node)
    elif kind.resource == LEASES:
        _check_lease(new, node)
    elif kind.resource == PERSISTENT_VOLUMES:
        _check_volume(new, old, node)


def check_delete(kind: Kind, obj: Object, user: User) -> None:
    """Raise `Forbidden` when `user` is a node and may not delete `obj`."""
    if not (node := nodes.name_of(user)):
        return
    if kind.resource == PODS:
        _require_bound(obj, node, "delete")
    elif kind.resource == LEASES:
        _check_lease(obj, node)


def check_token(account: Object, bound: Object | None, user: User) -> None:
    """Raise `Forbidden` when `user` is a node and asks for a token that would outlive the pod it is for."""
    if not (node := nodes.name_of(user)):
        return
    why = ""
    if bound is None or bound["kind"] != "Pod":
        why = "node requested token not bound to a pod"
    elif bound["spec"].get("nodeName") != node:
        why = "node requested token bound to a pod scheduled on a different node"
    if why:
        raise Forbidden.of("serviceaccounts", account["metadata"]["name"], why)


def _require_bound(pod: Object, node: str, verb: str) -> None:
    if pod["spec"].get("nodeName") != node:
        why = f'node "{node}" can only {verb} pods with spec.nodeName set to itself'
        raise Forbidden.of("pods", pod["metadata"].get("name", ""), why)


def _check_mirror(pod: Object, node: str, context: Context) -> None:
    """A node makes mirrors of its static pods, which are its own and refer to nothing."""
    if not is_mirror(pod):
        why = f'pod does not have "{MIRROR_POD}" annotation, node "{node}" can only create mirror pods'
        raise Forbidden.of("pods", pod["metadata"].get("name", ""), why)
    _require_bound(pod, node, "create")
    why = _foreign_owner(pod["metadata"].get("ownerReferences") or (), node, context)
    if not why and (found := next(podreferences.needing_the_api(pod), None)):
        why = f'node "{node}" can not create pods that reference {found}'
    if why:
        raise Forbidden.of("pods", pod["metadata"].get("name", ""), why)


def _foreign_owner(owners: Sequence[Object], node: str, context: Context) -> str:
    """Return why a mirror's owners are not as they must be: the node, as its controller, and nobody else."""
    itself = ("v1", "Node", node)
    if len(owners) > 1:
        return f'node "{node}" can only create pods with a single owner reference set to itself'
    if not owners or tuple(owners[0].get(key) for key in ("apiVersion", "kind", "name")) != itself:
        return f'node "{node}" can only create pods with an owner reference set to itself'
    if not owners[0].get("controller"):
        return f'node "{node}" can only create pods with a controller owner reference set to itself'
    if owners[0].get("blockOwnerDeletion"):
        return f'node "{node}" must not set blockOwnerDeletion on an owner reference'
    known = context.get(NODES, node)
    uid, told = known["metadata"]["uid"] if known else "", owners[0].get("uid")
    return "" if uid == told else f"node {node} UID mismatch: expected {told} got {uid}"


def _check_node(new: Object, old: Object | None, node: str) -> None:
    name, why = new["metadata"].get("name", ""), ""
    if name != node:
        why = f'node "{node}" is not allowed to modify node "{name}"'
    elif old is not None and (new["spec"].get("taints") or []) != (old["spec"].get("taints") or []):
        why = f'node "{node}" is not allowed to modify taints'
    elif changed := _reserved_labels(new, old):
        why = f'node "{node}" is not allowed to modify labels: {", ".join(changed)}'
    if why:
        raise Forbidden.of("nodes", name, why)


def _reserved_labels(new: Object, old: Object | None) -> list[str]:
    now, was = metadata.labels(new), metadata.labels(old) if old else {}
    changed = sorted(key for key in {*now, *was} if now.get(key) != was.get(key))
    return [key for key in changed if f".{key.partition('/')[0]}".endswith(f".{_RESERVED}")]


def _check_volume(new: Object, old: Object | None, node: str) -> None:
    """A node lets local-path volumes of its own go, when it has removed their folders (no rule of upstream's)."""
    same = old is not None and _without_finalizers(new) == _without_finalizers(old)
    if not same or metadata.labels(new).get(LOCAL_PATH_NODE) != node:
        why = f'node "{node}" is not allowed to modify volumes but for the finalizers of its own'
        raise Forbidden.of(PERSISTENT_VOLUMES.plural, new["metadata"].get("name", ""), why)


def _without_finalizers(obj: Object) -> Object:
    changing = ("finalizers", "resourceVersion", "managedFields")
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k not in changing}}


def _check_lease(lease: Object, node: str) -> None:
    meta, why = lease["metadata"], ""
    if meta.get("namespace") != NODE_LEASE_NAMESPACE:
        why = f'can only access leases in the "{NODE_LEASE_NAMESPACE}" system namespace'
    elif meta.get("name") != node:
        why = "can only access node lease with the same name as the requesting node"
    if why:
        raise Forbidden.of(LEASES.plural, meta.get("name", ""), why, LEASES.group)
