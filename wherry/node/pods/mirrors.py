"""Mirror pods: what the API shows of a node's static pods. One that is deleted is made again; nothing depends on it.

Source: kubernetes pkg/kubelet/pod/mirror_client.go; KEP-1314 (the owner).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wherry.client.interface import Client
from wherry.component.informer import Informer
from wherry.component.troubles import Troubles
from wherry.component.workqueue import WorkQueue
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, Conflict, NotFound
from wherry.objects.meaning.pods import is_mirror
from wherry.objects.meaning.wellknown import CONFIG_HASH, MIRROR_POD
from wherry.objects.metadata import Key
from wherry.objects.resource import NODES, PODS


def mirror_of(pod: Object, node: Object) -> Object:
    """Return the mirror of a static pod of `node`. Pure."""
    meta = pod["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
    shown = {key: value for key, value in meta.items() if key != "uid"}
    shown["annotations"] = {**meta["annotations"], MIRROR_POD: meta["annotations"][CONFIG_HASH]}
    shown["ownerReferences"] = [{**owner, "controller": True}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": shown, "spec": pod["spec"]}


class Mirrors:
    """Keeps the mirrors of `static`, in `pods`, an informer of the node's. `add` what may have changed."""

    def __init__(
        self, client: Client, node: str, pods: Informer, static: Callable[[], Mapping[Key, Object]], troubles: Troubles
    ):
        self._client = client
        self._node = node
        self._pods = pods
        self._static = static
        self._queue: WorkQueue[Key] = WorkQueue("mirror pods", troubles)

    def add(self, key: Key) -> None:
        """Have a pod of this name looked at."""
        self._queue.add(key)

    async def run(self) -> None:
        """Keep them until cancelled."""
        self._pods.subscribe(self._changed)
        await self._pods.wait_synced()
        await self._queue.run(self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        known = new or old
        if known is not None and (is_mirror(known) or metadata.key(known) in self._static()):
            self.add(metadata.key(known))

    async def _reconcile(self, key: Key) -> None:
        pod, mirror = self._static().get(key), self._pods.get(*key)
        if mirror is not None:
            # A pod of that name that is no mirror stays: the static one runs unseen until it has gone.
            if is_mirror(mirror) and not _shows(mirror, pod):
                await self._remove(mirror)
        elif pod is not None:
            node = await self._client.get(NODES, self._node)
            try:
                await self._client.create(PODS, mirror_of(pod, node), key[0])
            except AlreadyExists:
                return  # the watch tells of it in a moment

    async def _remove(self, mirror: Object) -> None:
        meta = mirror["metadata"]
        try:
            await self._client.delete(PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"])
        except (NotFound, Conflict):
            return


def _shows(mirror: Object, pod: Object | None) -> bool:
    if pod is None or metadata.is_being_deleted(mirror):
        return False
    shown, wanted = metadata.annotations(mirror)[MIRROR_POD], metadata.annotations(pod)[CONFIG_HASH]
    return shown == wanted
