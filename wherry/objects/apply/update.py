"""Whose fields are whose after a write: who changed a field owns it, and nobody else does.

Source: structured-merge-diff merge/update.go (Update), apimachinery pkg/util/managedfields/internal
(managedfieldsupdater.go, stripmeta.go, skipnonapplied.go).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.apply import fieldset, managers
from wherry.objects.apply.compare import Comparison, compare
from wherry.objects.apply.element import MEMBER
from wherry.objects.apply.fieldset import LEAF, FieldSet
from wherry.objects.apply.managers import Managed, Manager
from wherry.objects.apply.shape import Shape

Convert = Callable[[Object], Object]

_NOBODYS: FieldSet = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {
        MEMBER: LEAF,
        "f:name": LEAF,
        "f:namespace": LEAF,
        "f:creationTimestamp": LEAF,
        "f:selfLink": LEAF,
        "f:uid": LEAF,
        "f:clusterName": LEAF,
        "f:generation": LEAF,
        "f:managedFields": LEAF,
        "f:resourceVersion": LEAF,
    },
}
"""What nobody owns: what an object is, and what the server says of it."""


class Version(NamedTuple):
    """How objects look in an API version, and the way there from the version of a write and back."""

    shape: Shape
    there: Convert
    back: Convert


Versions = Callable[[str], Version | None]
"""Return what is served as an apiVersion of the kind, None for one that no longer is."""


class Write(NamedTuple):
    """One write: by whom, in which version, at what time (RFC 3339), and what of an object it is about.

    `theirs` tells of a set of fields what of it a write of this sort can own: of the object itself all but the status.
    `empty` is what an object of the kind is, in the version of the write, before anybody has written it.
    """

    manager: Manager
    version: str
    time: str
    versions: Versions
    empty: Object
    theirs: Callable[[FieldSet], FieldSet] = lambda fields: fields

    @property
    def shape(self) -> Shape:
        """How the object looks in the version of the write."""
        version = self.versions(self.version)
        assert version is not None  # it has been found under this version
        return version.shape


class Comparisons:
    """What a write changed, in every version that somebody's fields are said in."""

    def __init__(self, write: Write, old: Object, new: Object):
        self._write = write
        self._old = old
        self._new = new
        self._made: dict[str, Comparison | None] = {}

    def at(self, api_version: str) -> Comparison | None:
        """Return what changed in a version, None for one that is no longer served; raises `Unkeyed`."""
        if api_version not in self._made:
            self._made[api_version] = self._compared(api_version)
        return self._made[api_version]

    def _compared(self, api_version: str) -> Comparison | None:
        version = self._write.versions(api_version)
        if version is None:
            return None
        found = compare(version.shape, version.there(self._old), version.there(self._new))
        return Comparison(*map(self._write.theirs, found))


def updated(write: Write, old: Object, new: Object, managed: Managed) -> Managed:
    """Return the entries after `old` became `new`, both in the version of the write; raises `Unkeyed`."""
    comparisons = Comparisons(write, old, new)
    found = comparisons.at(write.version)
    assert found is not None
    if not found.changed and not found.removed and _all_in(managed, write.version):
        return managed
    result = {manager: left for manager, entry in managed.items() if (left := lost(entry, comparisons))}
    gained = fieldset.difference(found.changed, _NOBODYS)
    if gained:
        mine = managers.fields(managed[write.manager]) if write.manager in managed else LEAF
        owned = fieldset.union(fieldset.difference(mine, found.removed), gained)
        owned = owned if owned is mine else fieldset.shared(owned)
        result[write.manager] = write.manager.entry(owned, write.version, write.time)
    return managers.capped(result)


def _all_in(managed: Managed, version: str) -> bool:
    return all(entry.get("apiVersion") == version for entry in managed.values())


def lost(entry: Object, comparisons: Comparisons) -> Object | None:
    """Return an entry without what a write took away or changed, None where nothing is left of it."""
    found = comparisons.at(entry.get("apiVersion", ""))
    if found is None:
        return None
    owned = managers.fields(entry)
    left = fieldset.difference(fieldset.difference(owned, found.changed), found.removed)
    return managers.owning(entry, left) if left else None


def stripped(owned: FieldSet) -> FieldSet:
    """Return a set of fields without those that nobody owns."""
    return fieldset.difference(owned, _NOBODYS)
