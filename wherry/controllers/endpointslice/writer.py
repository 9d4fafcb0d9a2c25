"""Applies `packing.Changes`, and keeps the slices' labels right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wherry.client.interface import Client
from wherry.controllers.endpointslice.packing import Changes, Wanted, pack
from wherry.controllers.expectations import Expectations
from wherry.controllers.podcontrol import is_namespace_terminating
from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES


@dataclass(frozen=True)
class Slices:
    """What all slices of one Service have in common."""

    key: Key
    owner: Object
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class SliceWriter:
    """Writes slices, and remembers under each key what the cache does not show yet."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.expectations = Expectations()

    async def write(self, common: Slices, existing: Sequence[Object], wanted: Sequence[Wanted]) -> float:
        """Bring `wanted` into the slices, if the cache is up to date with what was written before.

        Return in how many seconds to come again if the event that is waited for should not bring us back (0: done).
        """
        if patience := self.expectations.patience(common.key):
            return patience
        try:
            await self._apply(common, existing, pack(existing, wanted))
        except BaseException:
            self.expectations.forget(common.key)  # look again; a slice made twice empties itself on the next look
            raise
        return 0.0

    async def _apply(self, common: Slices, existing: Sequence[Object], changes: Changes) -> None:
        changed = {s["metadata"]["uid"] for s, _ in changes.update}
        gone = {s["metadata"]["uid"] for s in changes.delete}
        relabelled = [s for s in existing if s["metadata"]["uid"] not in changed | gone and not _labelled(s, common)]
        self.expectations.expect(common.key, creations=len(changes.create), deletions=gone)
        for piece, endpoints in [*changes.update, *((s, s.get("endpoints") or []) for s in relabelled)]:
            await self._update(piece, endpoints, common)
        for want in changes.create:
            await self._create(common, want)
        for piece in changes.delete:
            await self.delete(common.key, piece)

    async def delete(self, key: Key, piece: Object) -> None:
        """Delete one slice."""
        meta = piece["metadata"]
        try:
            await self._client.delete(ENDPOINT_SLICES, meta["name"], meta["namespace"], uid=meta["uid"])
        except NotFound:
            self.expectations.deleted(key, meta["uid"])

    def seen(self, key: Key, old: Object | None, new: Object | None) -> None:
        """Take note of an event about a slice of `key`."""
        if old is None:
            self.expectations.created(key)
        if new is None and old is not None:
            self.expectations.deleted(key, old["metadata"]["uid"])

    async def _update(self, piece: Object, endpoints: list[Object], common: Slices) -> None:
        annotations = {**metadata.annotations(piece), **common.annotations}
        meta = piece["metadata"] | {"labels": dict(common.labels), "annotations": annotations}
        await self._client.update(ENDPOINT_SLICES, piece | {"metadata": meta, "endpoints": endpoints})

    async def _create(self, common: Slices, want: Wanted) -> None:
        namespace, name = common.key
        meta = {
            "generateName": f"{name}-",
            "namespace": namespace,
            "labels": dict(common.labels),
            "annotations": dict(common.annotations),
            "ownerReferences": [metadata.owner_reference(common.owner)],
        }
        piece = {
            "apiVersion": ENDPOINT_SLICES.api_version,
            "kind": ENDPOINT_SLICES.kind,
            "metadata": meta,
            "addressType": str(want.address_type),
            "ports": want.ports,
            "endpoints": want.endpoints,
        }
        try:
            await self._client.create(ENDPOINT_SLICES, piece, namespace)
        except ApiError as error:
            if not is_namespace_terminating(error):
                raise
            self.expectations.created(common.key)


def _labelled(piece: Object, common: Slices) -> bool:
    return metadata.labels(piece) == dict(common.labels)
