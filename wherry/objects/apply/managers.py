"""Who owns which fields of an object: the entries of `metadata.managedFields`, told apart by who wrote them how.

Source: apimachinery pkg/util/managedfields/internal (managedfields.go, capmanagers.go), pkg/apis/meta/v1/types.go
(ManagedFieldsEntry).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.apply import fieldset
from wherry.objects.apply.fieldset import FieldSet

APPLY, UPDATE = "Apply", "Update"
ANCIENT = "ancient-changes"
"""The manager in whose name old updates are gathered."""
MOST_UPDATERS = 10
"""So many entries of updates an object keeps; beyond, the oldest of a version become one."""


class Unreadable(ValueError):
    """Managed fields that a client sent make no sense."""


class Manager(NamedTuple):
    """What makes an entry one's own: appliers keep theirs in whatever version they write, updaters have one in each."""

    name: str
    operation: str
    subresource: str = ""
    version: str = ""

    @staticmethod
    def of(entry: Object) -> Manager:
        """Return whose an entry is."""
        operation = entry.get("operation", "")
        version = "" if operation == APPLY else entry.get("apiVersion", "")
        return Manager(entry.get("manager", ""), operation, entry.get("subresource", ""), version)

    def entry(self, fields: FieldSet, version: str, time: str = "") -> Object:
        """Return the entry of what the manager owns, said in an API version; `time` is RFC 3339, "" for none."""
        made: Object = {"manager": self.name, "operation": self.operation, "apiVersion": version}
        made |= {"time": time} if time else {}
        made |= {"fieldsType": "FieldsV1", "fieldsV1": fields}
        return made | ({"subresource": self.subresource} if self.subresource else {})

    def __str__(self) -> str:
        through = f' with subresource "{self.subresource}"' if self.subresource else ""
        return f'"{self.name}"{through}' + (f" using {self.version}" if self.operation == UPDATE else "")


Managed = dict[Manager, Object]
"""The entry of each manager."""


def of(entries: Iterable[Object]) -> Managed:
    """Return stored entries by manager."""
    return {Manager.of(entry): entry for entry in entries}


def fields(entry: Object) -> FieldSet:
    """Return what an entry says is owned."""
    owned: FieldSet = entry.get("fieldsV1") or fieldset.LEAF
    return owned


def owning(entry: Object, owned: FieldSet) -> Object:
    """Return an entry that owns `owned` instead, the very entry where that is what it owns."""
    return entry if fields(entry) is owned else {**entry, "fieldsV1": owned}


def read(entries: Any) -> list[Object]:
    """Return entries that a client sent in the form they are stored in; raises `Unreadable`."""
    return ordered(of(map(_readable, entries)))


def _readable(entry: Object) -> Object:
    if entry.get("operation") not in (APPLY, UPDATE):
        raise Unreadable("operation must be `Apply` or `Update`")
    if not entry.get("apiVersion"):
        raise Unreadable("apiVersion must not be empty")
    if entry.get("fieldsType") != "FieldsV1":
        raise Unreadable(f'invalid fieldsType "{entry.get("fieldsType", "")}" in managed fields')
    try:
        owned = fieldset.canonical(entry.get("fieldsV1") or {})
    except ValueError as error:
        raise Unreadable(f"error decoding set: {error}") from error
    return {**entry, "fieldsV1": owned}


def ordered(managed: Managed) -> list[Object]:
    """Return the entries in the order they are stored in: appliers first, then by time."""
    return sorted(managed.values(), key=_order)


def _order(entry: Object) -> tuple[str, ...]:
    # An RFC 3339 time of whole seconds in UTC sorts as text.
    return tuple(entry.get(name) or "" for name in ("operation", "time", "manager", "apiVersion", "subresource"))


def capped(managed: Managed) -> Managed:
    """Return the entries with the oldest updates of each version made one, where there are too many."""
    updaters = [manager for manager in managed if manager.operation == UPDATE]
    surplus = len(updaters) - MOST_UPDATERS
    if surplus <= 0:
        return managed
    result = dict(managed)
    gathered: dict[str, Manager] = {m.version: m for m in updaters if m == _bucket(m.version)}
    for updater in sorted(updaters, key=lambda m: (managed[m].get("time", ""), m)):
        into = gathered.setdefault(updater.version, updater)
        if into != updater and surplus > 0:
            gathered[updater.version] = _gather(result, into, updater)
            surplus -= 1
    return result


def _bucket(version: str) -> Manager:
    return Manager(ANCIENT, UPDATE, "", version)


def _gather(managed: Managed, older: Manager, younger: Manager) -> Manager:
    """Make one entry of two, in place, at the time of the younger; return whose it is."""
    before, added = managed.pop(older), managed.pop(younger)
    bucket = _bucket(younger.version)
    owned = fieldset.union(fields(before), fields(added))
    managed[bucket] = bucket.entry(owned, younger.version, added.get("time", ""))
    return bucket


def is_reset(asked: Sequence[Object]) -> bool:
    """Return whether a client that sent these entries wants every manager forgotten."""
    return not asked or (len(asked) == 1 and not asked[0])
