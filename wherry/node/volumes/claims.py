"""What a pod's claim stands for: the PersistentVolume it is bound to.

Asked for when the pod's volumes are set up, as the kubelet does: where a volume is does not change. Source: kubernetes
pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go (getPVCExtractPV).
"""

from __future__ import annotations

from collections.abc import Callable

from wherry.client.interface import Client
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError
from wherry.objects.meaning.volumes import MOUNTABLE, is_claimed_by, is_fully_bound, mode, source_of
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from wherry.objects.volumebinding import usable_from


class ClaimSource:
    """Finds volumes by claim. `node` returns this node's object, None while it is not known."""

    def __init__(self, client: Client, node: Callable[[], Object | None]):
        self._client = client
        self._node = node
        self._found: dict[tuple[str, str], Object] = {}

    async def get(self, pod: Object, name: str, *, ephemeral: bool) -> Object:
        """Return the volume behind claim `name` of a pod; raises VolumeError where it cannot be used here, yet."""
        key = (pod["metadata"]["uid"], name)
        if key not in self._found:
            self._found[key] = await self._look(pod, name, ephemeral)
        return self._found[key]

    def forget(self, uid: str) -> None:
        """Drop what is known for a pod that is gone."""
        for key in [k for k in self._found if k[0] == uid]:
            del self._found[key]

    async def _look(self, pod: Object, name: str, ephemeral: bool) -> Object:
        try:
            claim = await self._client.get(PERSISTENT_VOLUME_CLAIMS, name, pod["metadata"]["namespace"])
            if why := _unusable(claim, pod, ephemeral):
                raise VolumeError(why)
            volume = await self._client.get(PERSISTENT_VOLUMES, claim["spec"]["volumeName"])
        except ApiError as error:
            raise VolumeError(f"failed to fetch PVC {name} from API server: {error}") from error
        if why := self._misplaced(volume, claim):
            raise VolumeError(why)
        return volume

    def _misplaced(self, volume: Object, claim: Object) -> str:
        node, name, kind = self._node(), volume["metadata"]["name"], source_of(volume)[0]
        if not is_claimed_by(volume, claim):
            return f"PV {name} is not bound to PVC {claim['metadata']['name']}"
        if node is None:
            return "this node does not know itself yet"
        if not usable_from(volume, node):
            return f"PV {name}: no matching NodeSelectorTerms"
        if kind not in MOUNTABLE or mode(volume) != "Filesystem":
            return f"PV {name}: volumes of type {kind} and mode {mode(volume)} are not supported by this node"
        return ""


def _unusable(claim: Object, pod: Object, ephemeral: bool) -> str:
    meta = claim["metadata"]
    if ephemeral and (metadata.controller_of(claim) or {}).get("uid") != pod["metadata"]["uid"]:
        return f"PVC {meta['namespace']}/{meta['name']} was not created for the pod (pod is not owner)"
    if metadata.is_being_deleted(claim):
        return f"PVC {meta['name']} is being deleted"
    return "" if is_fully_bound(claim) else f"PVC {meta['namespace']}/{meta['name']} is not bound"
