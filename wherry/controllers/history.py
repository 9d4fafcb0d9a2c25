"""Writes the ControllerRevisions of the owners of one resource."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence

from wherry.client.interface import Client
from wherry.controllers import revision
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH
from wherry.objects.resource import CONTROLLER_REVISIONS, PODS, Resource


class History:
    """`hash_label` is on every revision; `mark` says by what its pods, under `CONTROLLER_REVISION_HASH`, name it."""

    def __init__(self, client: Client, resource: Resource, hash_label: str, mark: Callable[[Object], str]):
        self._client = client
        self._resource = resource
        self._hash_label = hash_label
        self._mark = mark

    async def ensure_current(self, owner: Object, revisions: Sequence[Object], pods: Sequence[Object]) -> Object | None:
        """Return the revision of the current template, made or renumbered as needed; None: look again later."""
        same = revision.of_template(owner, revisions)
        if not same:
            return await self._create(owner, revision.next_number(revisions))
        found, *copies = same
        if copies:
            await self._merge(found, copies, pods)
            return None
        others = [r for r in revisions if r is not found]
        newest = revision.next_number(others)
        if int(found["revision"]) >= newest:
            return found
        return await self._client.update(CONTROLLER_REVISIONS, found | {"revision": newest})  # a rollback

    async def _merge(self, kept: Object, copies: Sequence[Object], pods: Sequence[Object]) -> None:
        """Leave one revision of a template; the pods of its copies become pods of that one, and need no replacement."""
        marks = {self._mark(copy) for copy in copies}
        label = {"metadata": {"labels": {CONTROLLER_REVISION_HASH: self._mark(kept)}}}
        for pod in pods:
            if metadata.labels(pod).get(CONTROLLER_REVISION_HASH) in marks:
                with contextlib.suppress(NotFound):
                    await self._client.patch(PODS, pod["metadata"]["name"], label, pod["metadata"]["namespace"])
        await self._delete(copies)

    async def _create(self, owner: Object, number: int) -> Object | None:
        made = revision.make(owner, number, self._hash_label)
        meta = made["metadata"]
        try:
            return await self._client.create(CONTROLLER_REVISIONS, made, meta["namespace"])
        except AlreadyExists:
            there = await self._client.get(CONTROLLER_REVISIONS, meta["name"], meta["namespace"])
        if there.get("data") == made["data"]:
            return there
        # Another template has the same hash: count the collision, so that the next hash differs.
        status = owner.get("status") or {}
        status = status | {"collisionCount": (status.get("collisionCount") or 0) + 1}
        await self._client.update(self._resource, owner | {"status": status}, subresource="status")
        return None

    async def prune(
        self, owner: Object, revisions: Sequence[Object], current: Collection[str], live: Collection[str]
    ) -> None:
        """Delete the oldest revisions beyond revisionHistoryLimit, but for the `current` ones and those of `live` pods.

        Both are marks.
        """
        old = [r for r in revisions if self._mark(r) not in current]
        idle = [r for r in old if self._mark(r) not in live]
        await self._delete(revision.oldest(idle, len(old), owner["spec"].get("revisionHistoryLimit")))

    async def _delete(self, revisions: Sequence[Object]) -> None:
        for one in revisions:
            meta = one["metadata"]
            with contextlib.suppress(NotFound):
                await self._client.delete(CONTROLLER_REVISIONS, meta["name"], meta["namespace"], uid=meta["uid"])
