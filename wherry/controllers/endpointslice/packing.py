"""Pure: fit endpoints into slices of at most a hundred, changing as few slices as can be.

Every proxy on every node hears of each slice that changes, so an endpoint stays in its slice, and new ones go where a
write happens anyway. Source of the strategy: k8s.io/endpointslice reconciler.go (`reconcileByPortMapping`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wherry.objects import Object

MOST_ENDPOINTS = 100

Group = tuple[str, str]
"""(address type, ports as JSON): endpoints of one group can share a slice."""


class Wanted(NamedTuple):
    """The endpoints of one group."""

    address_type: str
    ports: list[Object]
    endpoints: list[Object]

    @property
    def group(self) -> Group:
        """What a slice must have in common with it."""
        return self.address_type, _text(self.ports)


@dataclass
class Changes:
    """Slices to write: what to create, which to update with which endpoints, which to delete."""

    create: list[Wanted] = field(default_factory=list)
    update: list[tuple[Object, list[Object]]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def _text(ports: Iterable[Object]) -> str:
    return json.dumps(list(ports), sort_keys=True)


def _identity(endpoint: Object) -> str:
    """Return what makes an endpoint the same one, whatever its conditions."""
    target = (endpoint.get("targetRef") or {}).get("uid", "")
    return f"{target} {','.join(endpoint['addresses'])}"


def pack(existing: Sequence[Object], wanted: Sequence[Wanted]) -> Changes:
    """Return the changes that bring `wanted` into `existing` slices; a Service without endpoints keeps one slice."""
    wanted = [w for w in wanted if w.endpoints] or list(wanted[:1])
    changes = Changes()
    by_group: dict[Group, list[Object]] = {}
    for piece in sorted(existing, key=lambda s: str(s["metadata"]["name"])):
        by_group.setdefault((piece["addressType"], _text(piece.get("ports") or ())), []).append(piece)
    for want in wanted:
        _pack_group(by_group.pop(want.group, []), want, changes)
    for orphans in by_group.values():
        changes.delete += orphans
    return changes


def _pack_group(existing: list[Object], want: Wanted, changes: Changes) -> None:
    missing = {_identity(e): e for e in want.endpoints}
    contents = [[missing.pop(i) for e in s.get("endpoints") or () if (i := _identity(e)) in missing] for s in existing]
    fresh = sorted(missing.values(), key=_identity)
    _fill(existing, contents, fresh)
    for piece, content in zip(existing, contents, strict=True):
        keeps_placeholder = not want.endpoints and piece is existing[0]
        if not content and not keeps_placeholder:
            changes.delete.append(piece)
        elif content != (piece.get("endpoints") or []):
            changes.update.append((piece, content))
    while fresh or not (existing or want.endpoints):
        changes.create.append(want._replace(endpoints=fresh[:MOST_ENDPOINTS]))
        del fresh[:MOST_ENDPOINTS]
        if not want.endpoints:
            return


def _fill(existing: list[Object], contents: list[list[Object]], fresh: list[Object]) -> None:
    """Move endpoints from `fresh` into slices: those that change anyway, then one that holds all the rest."""
    changing = [c for s, c in zip(existing, contents, strict=True) if c != (s.get("endpoints") or [])]
    for content in sorted(changing, key=len, reverse=True):
        room = MOST_ENDPOINTS - len(content)
        content += fresh[:room]
        del fresh[:room]
    fitting = [c for c in contents if len(c) + len(fresh) <= MOST_ENDPOINTS]
    if fresh and fitting:
        max(fitting, key=len).extend(fresh)
        fresh.clear()
