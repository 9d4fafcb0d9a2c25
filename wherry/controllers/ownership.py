"""Who manages an object: adopting what a selector matches, releasing what it no longer does.

Source of the rules: upstream pkg/controller/controller_ref_manager.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wherry.client.interface import Client
from wherry.component.events import EventRecorder
from wherry.objects import Object
from wherry.objects.errors import Invalid, NotFound
from wherry.objects.metadata import Key, controller_of, is_being_deleted, labels, owner_reference
from wherry.objects.resource import Resource
from wherry.objects.selectors import LabelSelector


def managing_keys(resource: Resource, *objects: Object | None) -> set[Key]:
    """Return the keys of those who manage objects (None: there is none) and are of `resource`."""
    found = ((obj, controller_of(obj)) for obj in objects if obj is not None)
    return {(o["metadata"]["namespace"], c["name"]) for o, c in found if c is not None and c["kind"] == resource.kind}


class Claim(NamedTuple):
    """What an owner manages, what it should take up, and what it should let go."""

    owned: list[Object]
    adopt: list[Object]
    release: list[Object]


def claim(owner: Object, selector: LabelSelector, objects: Iterable[Object]) -> Claim:
    """Decide about `objects` of the owner's namespace; an owner being deleted neither adopts nor releases."""
    found = Claim([], [], [])
    for obj in objects:
        controller = controller_of(obj)
        matches = selector.matches(labels(obj))
        if controller is not None:
            if controller["uid"] != owner["metadata"]["uid"]:
                continue
            if matches:
                found.owned.append(obj)
            elif not is_being_deleted(owner):
                found.release.append(obj)
        elif matches and not is_being_deleted(owner) and not is_being_deleted(obj):
            found.adopt.append(obj)
    return found


async def settle(
    client: Client, recorder: EventRecorder, owner_resource: Resource, owner: Object, resource: Resource, claimed: Claim
) -> bool:
    """Write what `claim` decided; return whether anything was written (the caches will tell more soon).

    Adopting asks the server first whether the owner is still there: a cache may lag behind its deletion. What cannot be
    written because it is no valid object stays whose it is, and keeps its owner from nothing else.
    """
    changes: list[tuple[Object, list[Object]]] = []
    if claimed.adopt and not await _is_alive(client, owner_resource, owner):
        return True
    mine = owner_reference(owner)
    for obj in claimed.adopt:
        changes.append((obj, [*(obj["metadata"].get("ownerReferences") or []), mine]))
    for obj in claimed.release:
        references = obj["metadata"].get("ownerReferences") or []
        changes.append((obj, [r for r in references if r["uid"] != mine["uid"]]))
    written = False
    for obj, references in changes:
        try:
            await _write_owners(client, resource, obj, references)
            written = True
        except Invalid as error:
            recorder.event(resource, obj, "Warning", "FailedClaim", f"Its owners cannot be changed: {error}")
    return written


async def _is_alive(client: Client, resource: Resource, owner: Object) -> bool:
    metadata = owner["metadata"]
    try:
        fresh = await client.get(resource, metadata["name"], metadata.get("namespace"))
    except NotFound:
        return False
    return bool(fresh["metadata"]["uid"] == metadata["uid"]) and not is_being_deleted(fresh)


async def _write_owners(client: Client, resource: Resource, obj: Object, references: list[Object]) -> None:
    """Replace an object's owners, if it is still as we saw it (else `Conflict`); one that is gone needs none."""
    metadata = obj["metadata"]
    change = {
        "metadata": {
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "ownerReferences": references,
        }
    }
    try:
        await client.patch(resource, metadata["name"], change, metadata.get("namespace"))
    except NotFound:
        return
