"""What Lua is told of locations: it changes without a reload."""

from __future__ import annotations

from typing import Any

from wherry.ingress.route.model import Structure


def data(structure: Structure) -> dict[str, Any]:
    """Return, by the ids of locations, what their parts tell Lua."""
    told: dict[str, Any] = {}
    for server in structure.servers:
        for location in server.locations:
            if location.parts and not location.denied:
                at = location.at(server.host, server.tls)
                said = {key: value for part in location.parts for key, value in part.data(at).items()}
                if said:
                    told[at.id] = said
    return told
