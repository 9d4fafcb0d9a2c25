"""How a container's volumes are mounted, as its status tells it. Pure.

Source: kubernetes pkg/kubelet/kubelet_pods.go (convertToAPIContainerStatuses), KEP-3857.
"""

from __future__ import annotations

from wherry.node.volumes import kinds
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object


def of_container(container: Object, *, recursive: bool) -> list[Object]:
    """Return its VolumeMountStatuses. `recursive`: whether its runtime can make mounts below one read-only."""
    return [_mount(entry, recursive) for entry in container.get("volumeMounts") or ()]


def _mount(entry: Object, supported: bool) -> Object:
    told: Object = {"name": entry["name"], "mountPath": entry["mountPath"]}
    if not entry.get("readOnly"):
        return told
    try:
        deep = kinds.recursive(entry, supported=supported)
    except VolumeError:
        deep = False  # the container does not start, and says why
    return {**told, "readOnly": True, "recursiveReadOnly": "Enabled" if deep else "Disabled"}
