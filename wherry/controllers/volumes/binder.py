"""Binds claims to volumes, and says how both are."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterable

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.controllers.volumes import claim as claims
from wherry.controllers.volumes import volume as volumes
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.meaning.volumes import (
    BETA_STORAGE_PROVISIONER,
    STORAGE_PROVISIONER,
    bound_volume,
    class_of,
    default_class,
    names_class,
)
from wherry.objects.metadata import Key
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES


def _reserved_for(volume: Object) -> Iterable[Hashable]:
    reference = volume["spec"].get("claimRef")
    return [(reference.get("namespace", ""), reference.get("name", ""))] if reference else []


def _named_by(claim: Object) -> Iterable[Hashable]:
    return [claim["spec"].get("volumeName") or ""]


class VolumeBinder(Controller):
    """Its keys are those of claims, and ("", name) of volumes."""

    name = "persistentvolume-binder"

    def __init__(self, context: Context):
        super().__init__(context)
        self._claims = context.informer(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = context.informer(PERSISTENT_VOLUMES)
        self._classes = context.informer(STORAGE_CLASSES)
        self._by_class = context.index(PERSISTENT_VOLUMES, "class", lambda v: [class_of(v)])
        self._by_claim = context.index(PERSISTENT_VOLUMES, "claim", _reserved_for)
        self._pending = context.index(PERSISTENT_VOLUME_CLAIMS, "pending", _pending_class)
        self._named = context.index(PERSISTENT_VOLUME_CLAIMS, "volume", _named_by)
        self._recorder = context.recorder("persistentvolume-controller")
        self.watch(PERSISTENT_VOLUME_CLAIMS)
        self.watch(PERSISTENT_VOLUMES)
        self._claims.subscribe(self._claim_changed)
        self._volumes.subscribe(self._volume_changed)
        self._classes.subscribe(self._class_changed)

    async def reconcile(self, key: Key) -> None:
        """Make a claim or a volume right."""
        with contextlib.suppress(NotFound):
            if key[0]:
                await self._claim(self._claims.get(*key))
            else:
                await self._volume(self._volumes.get(*key))

    async def _claim(self, claim: Object | None) -> None:
        if claim is None or (metadata.is_being_deleted(claim) and not claim["spec"].get("volumeName")):
            return
        if not names_class(claim) and (found := default_class(self._classes.items())):
            spec = {**claim["spec"], "storageClassName": found["metadata"]["name"]}
            claim = await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "spec": spec})
        named = self._volumes.get("", claim["spec"].get("volumeName") or "")
        candidates = self._by_class.get(class_of(claim))
        verdict = claims.decide(claim, named, candidates, self._classes.get("", class_of(claim)))
        if verdict.bind is not None:
            await self._bind(claim, verdict.bind)
        else:
            await self._leave(claim, verdict)

    async def _bind(self, claim: Object, volume: Object) -> None:
        reserved = bound_volume(volume, claim)
        if reserved is not volume:
            volume = await self.client.update(PERSISTENT_VOLUMES, reserved)
        await self._tell_volume(volume, volumes.Fate("Bound"))
        bound = claims.bound_claim(claim, volume)
        if bound is not claim:
            claim = await self.client.update(PERSISTENT_VOLUME_CLAIMS, bound)
        await self.write_status(PERSISTENT_VOLUME_CLAIMS, claim, claims.bound_status(claim, volume))

    async def _leave(self, claim: Object, verdict: claims.Verdict) -> None:
        """Say why a claim has no volume, and ask for one."""
        if verdict.reason:
            self._recorder.event(PERSISTENT_VOLUME_CLAIMS, claim, verdict.type, verdict.reason, verdict.message)
        asked = metadata.annotations(claim).get(STORAGE_PROVISIONER, "")
        if verdict.provisioner != asked and verdict.provisioner:
            marks = dict.fromkeys((STORAGE_PROVISIONER, BETA_STORAGE_PROVISIONER), verdict.provisioner)
            meta = {**claim["metadata"], "annotations": {**metadata.annotations(claim), **marks}}
            claim = await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": meta})
        status = {**(claim.get("status") or {}), "phase": verdict.phase}
        if verdict.phase == "Lost":
            status = {"phase": "Lost"}
        await self.write_status(PERSISTENT_VOLUME_CLAIMS, claim, status)

    async def _volume(self, volume: Object | None) -> None:
        if volume is None:
            return
        reference = volume["spec"].get("claimRef") or {}
        fate = volumes.decide(volume, await self._claim_of(reference))
        if fate.unbind:
            volume = await self.client.update(PERSISTENT_VOLUMES, volumes.unbound(volume))
        volume = await self._tell_volume(volume, fate)
        if fate.delete and not metadata.is_being_deleted(volume):
            meta = volume["metadata"]
            await self.client.delete(PERSISTENT_VOLUMES, meta["name"], uid=meta["uid"])

    async def _claim_of(self, reference: Object) -> Object | None:
        """Return the claim a volume is for; before one counts as gone, the API itself is asked."""
        namespace, name = reference.get("namespace", ""), reference.get("name", "")
        claim = self._claims.get(namespace, name)
        if not reference.get("uid") or (claim is not None and claim["metadata"]["uid"] == reference["uid"]):
            return claim
        try:
            return await self.client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace)
        except NotFound:
            return None

    async def _tell_volume(self, volume: Object, fate: volumes.Fate) -> Object:
        before = volume.get("status") or {}
        status = {k: v for k, v in before.items() if k not in ("reason", "message")} | {"phase": fate.phase}
        if fate.message:
            status["message"] = fate.message
        if status == before:
            return volume
        if fate.reason:
            self._recorder.event(PERSISTENT_VOLUMES, volume, "Warning", fate.reason, fate.message)
        return await self.client.update(PERSISTENT_VOLUMES, {**volume, "status": status}, subresource="status")

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        """A volume follows its claim, in particular when that is gone."""
        for volume in self._by_claim.get(metadata.key(new or old or {})):
            self.enqueue(volume)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        """A volume's claim follows it, and whoever waits for one of its class may take it."""
        volume = new or old or {}
        for key in _reserved_for(volume):
            self.queue.add(key)  # type: ignore[arg-type]
        for claim in self._named.get(volume["metadata"]["name"]):
            self.enqueue(claim)
        if new is not None and not new["spec"].get("claimRef"):
            for claim in self._pending.get(class_of(new)):
                self.enqueue(claim)

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        """Who waits for this class, or for a default one, looks again."""
        name = (new or old or {})["metadata"]["name"]
        for claim in [*self._pending.get(name), *self._pending.get("")]:
            self.enqueue(claim)


def _pending_class(claim: Object) -> Iterable[Hashable]:
    return [class_of(claim)] if (claim.get("status") or {}).get("phase") == "Pending" else []
