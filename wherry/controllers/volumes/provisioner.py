"""Makes volumes for claims of classes whose provisioner is ours, and enlarges them."""

from __future__ import annotations

import contextlib

from wherry.component.events import EventKind
from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.volumes import provision
from wherry.objects import Object, metadata, quantity
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.meaning.volumes import (
    LOCAL_PATH,
    LOCAL_PATH_FINALIZER,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    capacity,
    class_of,
    is_fully_bound,
    requested,
    waits_for_consumer,
)
from wherry.objects.metadata import Key
from wherry.objects.resource import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES


class LocalPathProvisioner(Controller):
    """Its keys are those of claims, and ("", name) of volumes whose node may be gone."""

    name = "local-path-provisioner"

    def __init__(self, context: Context):
        super().__init__(context)
        self._claims = context.informer(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = context.informer(PERSISTENT_VOLUMES)
        self._classes = context.informer(STORAGE_CLASSES)
        self._nodes = context.informer(NODES)
        self._of_node = context.index(PERSISTENT_VOLUMES, "local-path", lambda v: [provision.node_of_volume(v)])
        self._recorder = context.recorder(LOCAL_PATH)
        self.watch(PERSISTENT_VOLUME_CLAIMS)
        self.watch(PERSISTENT_VOLUMES)
        self._nodes.subscribe(self._node_changed)

    async def reconcile(self, key: Key) -> None:
        """Make a claim's volume, or enlarge it; let a volume go whose node does not exist any more."""
        with contextlib.suppress(NotFound):
            if not key[0]:
                await self._let_go(self._volumes.get(*key))
            elif (claim := self._claims.get(*key)) is not None and not metadata.is_being_deleted(claim):
                await (self._enlarge(claim) if is_fully_bound(claim) else self._provision(claim))

    async def _provision(self, claim: Object) -> None:
        storage_class = self._classes.get("", class_of(claim))
        ours = metadata.annotations(claim).get(STORAGE_PROVISIONER) == LOCAL_PATH
        if not ours or storage_class is None or claim["spec"].get("volumeName"):
            return
        if self._volumes.get("", provision.volume_name(claim)) is not None:
            return
        if why := provision.refusal(claim):
            self._fail(claim, why)
            return
        node = self._node_for(claim, storage_class)
        if node is None:
            await self._reschedule(claim)
            return
        self._tell(claim, "Normal", "Provisioning", f"provisioning a volume on node {node['metadata']['name']}")
        volume = provision.volume_for(claim, storage_class, node)
        with contextlib.suppress(AlreadyExists):
            await self.client.create(PERSISTENT_VOLUMES, volume)
            name = volume["metadata"]["name"]
            self._tell(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}")

    def _node_for(self, claim: Object, storage_class: Object) -> Object | None:
        if selected := metadata.annotations(claim).get(SELECTED_NODE):
            node = self._nodes.get("", selected)
            if node is None:
                self._fail(claim, f'node "{selected}" not found')
            return node
        if waits_for_consumer(storage_class):
            return None
        load = {n["metadata"]["name"]: len(self._of_node.get(n["metadata"]["name"])) for n in self._nodes.items()}
        node = provision.pick(self._nodes.items(), storage_class, load)
        if node is None:
            self._fail(claim, "no node is ready that the class allows")
        return node

    async def _reschedule(self, claim: Object) -> None:
        """Have another node selected when the one that was does not exist any more."""
        annotations = {k: v for k, v in metadata.annotations(claim).items() if k != SELECTED_NODE}
        if annotations != metadata.annotations(claim):
            meta = {**claim["metadata"], "annotations": annotations}
            await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": meta})

    async def _enlarge(self, claim: Object) -> None:
        """Let a claim have what it asks for: a folder has no size of its own."""
        volume = self._volumes.get("", claim["spec"]["volumeName"])
        has = ((claim.get("status") or {}).get("capacity") or {}).get("storage")
        if volume is None or has is None or metadata.annotations(volume).get(PROVISIONED_BY) != LOCAL_PATH:
            return
        wanted = requested(claim)
        if quantity.compare(wanted, capacity(volume)) > 0:
            spec = {**volume["spec"], "capacity": {**volume["spec"]["capacity"], "storage": wanted}}
            await self.client.update(PERSISTENT_VOLUMES, {**volume, "spec": spec})
        if quantity.compare(wanted, has) > 0:
            status = {**claim["status"], "capacity": {**claim["status"].get("capacity", {}), "storage": wanted}}
            await self.write_status(PERSISTENT_VOLUME_CLAIMS, claim, status)
            self._tell(claim, "Normal", "VolumeResizeSuccessful", f"Resized the volume to {wanted}")

    async def _let_go(self, volume: Object | None) -> None:
        node = provision.node_of_volume(volume) if volume is not None else ""
        if volume is None or not node or not metadata.is_being_deleted(volume) or self._nodes.get("", node):
            return
        left = [f for f in volume["metadata"].get("finalizers") or () if f != LOCAL_PATH_FINALIZER]
        await self.client.update(PERSISTENT_VOLUMES, {**volume, "metadata": {**volume["metadata"], "finalizers": left}})

    def _fail(self, claim: Object, why: str) -> None:
        text = f'failed to provision volume with StorageClass "{class_of(claim)}": {why}'
        self._tell(claim, "Warning", "ProvisioningFailed", text)

    def _tell(self, claim: Object, type: EventKind, reason: str, text: str) -> None:
        self._recorder.event(PERSISTENT_VOLUME_CLAIMS, claim, type, reason, text)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        """Volumes of a node that goes can go; claims that found none look at one that comes."""
        if new is None and old is not None:
            for volume in self._of_node.get(old["metadata"]["name"]):
                self.enqueue(volume)
        if new is not None and metadata.is_true(new, "Ready") and not (old and metadata.is_true(old, "Ready")):
            for claim in self._claims.items():
                if not claim["spec"].get("volumeName"):
                    self.enqueue(claim)
