"""Stored keys: `/ROOM/NAMESPACE/NAME`. A room is a resource, named by group and plural of its storage version."""

from __future__ import annotations

from wherry.apiserver.state.change import Key
from wherry.objects.resource import Resource


def room(resource: Resource) -> str:
    """Return `GROUP/PLURAL`, the first two parts of a stored key; the core group is `core`."""
    return f"{resource.group or 'core'}/{resource.plural}"


def path(resource: Resource, key: Key) -> str:
    """Return the stored key of an object."""
    return f"/{room(resource)}/{key[0]}/{key[1]}"


def of(path: str) -> str:
    """Return the room of a stored key, "" of what is none."""
    return parse(path)[0]


def parse(path: str) -> tuple[str, Key]:
    """Return the room and the object's key of a stored key; of what is none, a room that nothing is in."""
    match path.split("/"):
        case ["", group, plural, namespace, name] if not {".", ".."} & {namespace, name}:
            return f"{group}/{plural}", (namespace, name)
    return "", ("", "")
