"""No pod grows beyond what its node has at all.

Source: k8s.io/kubernetes plugin/pkg/admission/podresize/admission.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object, metadata
from wherry.objects.errors import Forbidden, details
from wherry.objects.meaning.pods import node_of
from wherry.objects.meaning.requests import amount, declared
from wherry.objects.meaning.wellknown import OS
from wherry.objects.resource import NODES, PODS


def admit(kind: Kind, new: Object, old: Object | None, context: Context) -> None:
    """Raise `Forbidden` where the node of a pod that is resized could never give what it is to ask for."""
    if kind.resource != PODS or context.subresource != "resize" or old is None or new["spec"] == old["spec"]:
        return
    name = node_of(new)
    if not name:
        return
    node = context.get(NODES, name)
    if node is None:
        raise _forbidden(new, f'node "{name}" not found')
    if (system := metadata.labels(node).get(OS, "linux")) != "linux":
        why = f'pod resize is only supported on linux nodes, node "{name}" is "{system}"'
        raise _forbidden(new, why, "UnsupportedPlatform")
    allocatable, asked = (node.get("status") or {}).get("allocatable") or {}, declared(new["spec"], "requests")
    room = {resource: amount(resource, allocatable.get(resource, "0")) for resource in ("cpu", "memory")}
    if lacking := [
        f"{resource}, requested: {asked[resource]}, allocatable: {has}"
        for resource, has in room.items()
        if asked.get(resource, 0) > has
    ]:
        why = f"node didn't have enough allocatable resources: {'; '.join(lacking)}"
        raise _forbidden(new, why, "NodeCapacity")


def _forbidden(pod: Object, why: str, reason: str = "") -> Forbidden:
    error = Forbidden.of(PODS.plural, pod["metadata"]["name"], why)
    if reason:
        error.details = details(PODS.plural, pod["metadata"]["name"], causes=[{"reason": reason}])
    return error
