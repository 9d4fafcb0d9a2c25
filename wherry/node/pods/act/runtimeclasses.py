"""Which OCI runtime a pod's RuntimeClass stands for, on this node.

Source: kubernetes pkg/kubelet/runtimeclass/runtimeclass_manager.go (which follows all classes; here one is asked for
when a pod names it); the words for a missing handler are containerd's.
"""

from __future__ import annotations

from wherry.node.pods.act.node import NodeServices
from wherry.objects import Object
from wherry.objects.resource import RUNTIME_CLASSES


async def handler(node: NodeServices, pod: Object) -> str:
    """Return the handler for the pod's containers, "" for the node's usual one.

    Raises ApiError for a class that is not there, NoSuchHandlerError for a handler this node does not have.
    """
    name = pod["spec"].get("runtimeClassName")
    if not name:
        return ""
    wanted = str((await node.client.get(RUNTIME_CLASSES, name))["handler"])
    node.containers.programs.of(wanted)
    return wanted
