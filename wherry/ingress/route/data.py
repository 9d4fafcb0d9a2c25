"""What Lua is told of locations: it changes without a reload."""

from __future__ import annotations

from typing import Any

from wherry.ingress.route.location import Location
from wherry.ingress.route.model import Structure


def data(structure: Structure) -> dict[str, Any]:
    """Return, by the ids of locations, what their parts tell Lua."""
    told = {at.id(server.host): _of(at) for server in structure.servers for at in server.locations if not at.denied}
    return {id: said for id, said in told.items() if said}


def _of(at: Location) -> dict[str, Any]:
    return {key: value for part in at.parts for key, value in part.data().items()}
