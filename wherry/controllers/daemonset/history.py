"""Writes a DaemonSet's ControllerRevisions."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence

from wherry.client.interface import Client
from wherry.controllers.daemonset import revision
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.resource import CONTROLLER_REVISIONS, DAEMON_SETS


async def ensure_current(client: Client, daemon_set: Object, revisions: Sequence[Object]) -> Object | None:
    """Return the revision of the current template, made or renumbered as needed; None: look again later."""
    found = revision.current(daemon_set, revisions)
    if found is None:
        return await _create(client, daemon_set, revision.next_number(revisions))
    others = [r for r in revisions if r is not found]
    newest = revision.next_number(others)
    if int(found["revision"]) >= newest:
        return found
    return await client.update(CONTROLLER_REVISIONS, found | {"revision": newest})  # a rollback


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
    for superfluous in revision.superfluous(old, daemon_set["spec"].get("revisionHistoryLimit"), live):
        meta = superfluous["metadata"]
        with contextlib.suppress(NotFound):
            await client.delete(CONTROLLER_REVISIONS, meta["name"], meta["namespace"], uid=meta["uid"])
