"""Which kinds of volume there are, what of them is refused, and what a volumeMount's subPath is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from wherry.node.downward.expansion import expand, unresolved
from wherry.node.volumes.errors import VolumeError
from wherry.node.volumes.payload import PAYLOADS
from wherry.objects import Object

CLAIMED = ("persistentVolumeClaim", "ephemeral")
"""Kinds of volume that are a claim."""
SUPPORTED = ("emptyDir", "hostPath", *CLAIMED, *PAYLOADS)


def kind_of(volume: Object) -> tuple[str, Object]:
    """Return (kind, its source) of an entry of `spec.volumes`; one without a source is an emptyDir."""
    kind = next((k for k, v in volume.items() if k != "name" and v is not None), "emptyDir")
    return kind, volume.get(kind) or {}


def refusals(pod: Object) -> list[str]:
    """Return which of the pod's volumes this node cannot make, one sentence each."""
    found = []
    for volume in pod["spec"].get("volumes") or ():
        kind, _ = kind_of(volume)
        if kind not in SUPPORTED:
            found.append(f"volume {volume['name']}: kind {kind} is not supported by this node")
    return found


def propagation(entry: Object) -> str:
    """Return a volumeMount's mountPropagation, "" where nothing propagates."""
    return "" if (asked := entry.get("mountPropagation") or "None") == "None" else str(asked)


def propagating(pod: Object) -> set[str]:
    """Return the names of the volumes in which mounts are to show that were made after a container had begun."""
    lists = (pod["spec"].get(kind) or () for kind in ("initContainers", "containers", "ephemeralContainers"))
    entries = (entry for one in lists for container in one for entry in container.get("volumeMounts") or ())
    return {entry["name"] for entry in entries if propagation(entry)}


def recursive(entry: Object, *, supported: bool) -> bool:
    """Return whether what is mounted in a volume is to be read-only as the volume is; raises VolumeError.

    Source: kubernetes pkg/kubelet/kubelet_pods.go (resolveRecursiveReadOnly).
    """
    asked = entry.get("recursiveReadOnly") or "Disabled"
    if asked == "Disabled":
        return False
    text = f'volume "{entry["name"]}" requested recursive read-only mode, but it is not'
    if not entry.get("readOnly"):
        raise VolumeError(f"{text} read-only")
    if how := propagation(entry):
        raise VolumeError(f'{text} compatible with propagation "{how}"')
    if asked == "Enabled" and not supported:
        raise VolumeError(f"{text} supported by the runtime")
    return supported


def sub_path(entry: Object, env: Mapping[str, str]) -> str:
    """Return the path below the volume that a volumeMount asks for, "" for the volume itself; raises VolumeError.

    What a subPathExpr amounts to is known only here, so here it is held to the rules of a subPath.
    Source: kubernetes pkg/kubelet/kubelet_pods.go (makeMounts).
    """
    expression = entry.get("subPathExpr") or ""
    if missing := unresolved(expression, env):
        raise VolumeError(f'missing value for "{missing[0]}"')
    path = expand(expression, env) if expression else str(entry.get("subPath") or "")
    if path.startswith("/"):
        raise VolumeError(f"error SubPath `{path}` must not be an absolute path")
    if ".." in path.split("/"):
        raise VolumeError(f"unable to provision SubPath `{path}`: must not contain '..'")
    return path
