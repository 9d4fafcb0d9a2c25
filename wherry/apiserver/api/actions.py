"""What is posted to an object: a Binding and an Eviction to a pod, a TokenRequest to a service account."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.api import eviction, tokens
from wherry.apiserver.catalog import Served
from wherry.apiserver.registry import parts
from wherry.apiserver.registry.options import WriteOptions
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.state.change import Key
from wherry.objects import Object, metadata, timestamps
from wherry.objects.errors import BadRequest, Conflict
from wherry.objects.resource import PODS, SERVICE_ACCOUNTS, Resource

BINDINGS = Resource("", "v1", "bindings", "Binding")
COLLECTIONS = {BINDINGS: (PODS, "binding")}
"""What is posted to a collection of its own as well, for the object that its metadata names."""

Run = Callable[[Served, Key, Object, WriteOptions], Awaitable[Object]]

SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


@dataclass(frozen=True, slots=True)
class Action:
    """`POST …/OBJECT/name` with a `resource.kind` in the body."""

    name: str
    resource: Resource
    run: Run


def actions(registry: Registry, accounts: Accounts) -> dict[tuple[str, str], list[Action]]:
    """Return the actions by (group, plural) of the object they are posted to."""

    async def token(served: Served, key: Key, body: Object, options: WriteOptions) -> Object:
        return tokens.issue(registry, accounts, registry.get(served, key), body, options.user)

    binding = Action("binding", BINDINGS, _Pods(registry).bind)
    evicting = Action("eviction", Resource("policy", "v1", "evictions", "Eviction"), _Pods(registry).evict)
    request = Action("token", Resource("authentication.k8s.io", "v1", "tokenrequests", "TokenRequest"), token)
    return {
        (PODS.group, PODS.plural): [binding, evicting],
        (SERVICE_ACCOUNTS.group, SERVICE_ACCOUNTS.plural): [request],
    }


class _Pods:
    def __init__(self, registry: Registry):
        self._registry = registry

    async def bind(self, served: Served, key: Key, body: Object, options: WriteOptions) -> Object:
        """Assign a pod to the node the Binding names, once.

        Source: kubernetes pkg/registry/core/pod/storage/storage.go (assignPod).
        """
        target = body.get("target") or {}
        node = target.get("name")
        if not node or target.get("kind", "Node") not in ("", "Node"):
            raise BadRequest("a binding's target must be a Node with a name")
        wanted = body.get("metadata") or {}

        def assign(pod: Object) -> Object:
            return _assigned(pod, node, wanted)

        await self._registry.modify(served, key, assign, options, parts.WHOLE)
        return SUCCESS

    async def evict(self, served: Served, key: Key, body: Object, options: WriteOptions) -> Object:
        """Delete a pod the way its Eviction asks for, if its PodDisruptionBudget lets it go."""
        await eviction.evict(self._registry, served, key, body, options)
        return SUCCESS


def _assigned(pod: Object, node: str, wanted: Object) -> Object:
    meta = pod["metadata"]
    name = meta["name"]
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        why = f"Precondition failed: UID in precondition: {wanted['uid']}, UID in object meta: {meta['uid']}"
        raise Conflict.of("pods/binding", name, why)
    if "deletionTimestamp" in meta:
        raise Conflict.of("pods/binding", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if pod["spec"].get("schedulingGates"):
        raise Conflict.of("pods/binding", name, f"pod {name} has non-empty .spec.schedulingGates")
    if assigned := pod["spec"].get("nodeName"):
        raise Conflict.of("pods/binding", name, f'pod {name} is already assigned to node "{assigned}"')
    status = dict(pod.get("status") or {})
    now = timestamps.rfc3339(time.time())
    status["conditions"] = metadata.set_condition(status.get("conditions"), "PodScheduled", "True", "", "", now)
    annotations = {**(meta.get("annotations") or {}), **(wanted.get("annotations") or {})}
    return {
        **pod,
        "metadata": {**meta, "annotations": annotations} if annotations else meta,
        "spec": {**pod["spec"], "nodeName": node},
        "status": status,
    }
