"""Which OCI runtime a pod's RuntimeClass stands for, on this node.

Source: kubernetes pkg/kubelet/runtimeclass/runtimeclass_manager.go pkg/kubelet/userns/userns_manager.go
(the former follows all classes; here one is asked for
when a pod names it); the words for a missing handler are containerd's.
"""

from __future__ import annotations

from wherry.node.pods.act.node import NodeServices
from wherry.node.runtime.machine import NoSuchHandlerError
from wherry.objects import Object
from wherry.objects.resource import RUNTIME_CLASSES


async def handler(node: NodeServices, pod: Object) -> str:
    """Return the handler for the pod's containers, "" for the node's usual one.

    Raises ApiError for a class that is not there, NoSuchHandlerError for a handler this node does not have, or one that
    cannot give a pod users of its own.
    """
    name, wanted = pod["spec"].get("runtimeClassName"), ""
    if name:
        wanted = str((await node.client.get(RUNTIME_CLASSES, name))["handler"])
        node.containers.programs.of(wanted)
    if pod["spec"].get("hostUsers") is False and not node.machine(wanted).user_namespaces:
        what = f'RuntimeClass handler "{wanted}"' if wanted else "runtime"
        text = f"can't set `spec.hostUsers: false`, {what} does not support user namespaces"
        raise NoSuchHandlerError(f"{text} (runc 1.1 on Linux 6.3 does: a RuntimeClass can name it)")
    return wanted
