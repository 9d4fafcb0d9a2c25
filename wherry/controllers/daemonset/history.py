"""Writes a DaemonSet's ControllerRevisions."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from wherry.client.interface import Client
from wherry.controllers.daemonset import revision
from wherry.objects import Object, metadata
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.meaning.wellknown import CONTROLLER_REVISION_HASH
from wherry.objects.resource import CONTROLLER_REVISIONS, DAEMON_SETS, PODS


async def ensure_current(
    client: Client, daemon_set: Object, revisions: Sequence[Object], pods: Sequence[Object]
) -> Object | None:
    """Return the revision of the current template, made or renumbered as needed; None: look again later."""
    same = revision.of_template(daemon_set, revisions)
    if not same:
        return await _create(client, daemon_set, revision.next_number(revisions))
    found, *copies = same
    if copies:
        await _merge(client, found, copies, pods)
        return None
    others = [r for r in revisions if r is not found]
    newest = revision.next_number(others)
    if int(found["revision"]) >= newest:
        return found
    return await client.update(CONTROLLER_REVISIONS, found | {"revision": newest})  # a rollback


async def _merge(client: Client, kept: Object, copies: Sequence[Object], pods: Sequence[Object]) -> None:
    """Leave one revision of a template; the pods of its copies become pods of that one, and need not be replaced."""
    digests = {revision.digest_of(copy) for copy in copies}
    label = {"metadata": {"labels": {CONTROLLER_REVISION_HASH: revision.digest_of(kept)}}}
    for pod in pods:
        if metadata.labels(pod).get(CONTROLLER_REVISION_HASH) in digests:
            with contextlib.suppress(NotFound):
                await client.patch(PODS, pod["metadata"]["name"], label, pod["metadata"]["namespace"])
    await _delete(client, copies)


async def _create(client: Client, daemon_set: Object, number: int) -> Object | None:
    made = revision.make(daemon_set, number)
    meta = made["metadata"]
    try:
        return await client.create(CONTROLLER_REVISIONS, made, meta["namespace"])
    except AlreadyExists:
        there = await client.get(CONTROLLER_REVISIONS, meta["name"], meta["namespace"])
    if there.get("data") == made["data"]:
        return there
    # Another template has the same hash: count the collision, so that the next hash differs.
    status = daemon_set.get("status") or {}
    status = status | {"collisionCount": (status.get("collisionCount") or 0) + 1}
    await client.update(DAEMON_SETS, daemon_set | {"status": status}, subresource="status")
    return None


async def prune(
    client: Client, daemon_set: Object, revisions: Sequence[Object], current: Object, live: Collection[str]
) -> None:
    """Delete the oldest revisions beyond revisionHistoryLimit."""
    old = [r for r in revisions if r["metadata"]["name"] != current["metadata"]["name"]]
    await _delete(client, revision.superfluous(old, daemon_set["spec"].get("revisionHistoryLimit"), live))


async def _delete(client: Client, revisions: Sequence[Object]) -> None:
    for one in revisions:
        meta = one["metadata"]
        with contextlib.suppress(NotFound):
            await client.delete(CONTROLLER_REVISIONS, meta["name"], meta["namespace"], uid=meta["uid"])
