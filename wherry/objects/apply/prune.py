"""What an applier no longer names goes, unless somebody else has it: what remains of a merged object.

Source: structured-merge-diff merge/update.go (prune, addBackOwnedItems, addBackDanglingItems).
"""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.apply import fieldset, managers
from wherry.objects.apply.fieldset import LEAF, FieldSet
from wherry.objects.apply.managers import Managed
from wherry.objects.apply.merge import without
from wherry.objects.apply.owned import named
from wherry.objects.apply.shape import Shape
from wherry.objects.apply.update import Version, Write


def pruned(write: Write, merged: Object, managed: Managed, last: Object | None) -> Object:
    """Return the merged object without what the applier owned by its last entry and nobody owns now."""
    version = write.versions(last["apiVersion"]) if last else None
    if last is None or version is None:
        return merged
    before = managers.fields(last)
    if last["apiVersion"] == write.version and not fieldset.difference(before, _owned_at(managed, write.version)):
        return merged
    here = version.there(merged)
    rest = _removed(version.shape, here, _with_fields(version.shape, before))
    rest = _given_back(write, version, here, rest, managed, last["apiVersion"])
    gone = fieldset.difference(_members(version.shape, here), _members(version.shape, rest))
    left = _removed(version.shape, here, fieldset.intersection(gone, _with_fields(version.shape, before)))
    return version.back(left)


def _given_back(
    write: Write, version: Version, merged: Object, pruned: Object, managed: Managed, api_version: str
) -> Object:
    """Return the pruned object with what anybody owns put back, each version's owners in their version."""
    others = [name for name in dict.fromkeys(entry["apiVersion"] for entry in managed.values()) if name != api_version]
    for name in (api_version, *others):
        there = write.versions(name)
        if there is None:
            continue
        whole, rest = (there.there(version.back(obj)) for obj in (merged, pruned))
        owned = _with_fields(there.shape, _owned_at(managed, name))
        kept = fieldset.union(_members(there.shape, rest), owned)
        rest = _removed(there.shape, whole, fieldset.difference(_members(there.shape, whole), kept))
        pruned = version.there(there.back(rest))
    return pruned


def _owned_at(managed: Managed, api_version: str) -> FieldSet:
    """Return what all who say it in a version own together."""
    owned = LEAF
    for entry in managed.values():
        if entry["apiVersion"] == api_version:
            owned = fieldset.union(owned, managers.fields(entry))
    return owned


def _removed(shape: Shape, obj: Object, fields: FieldSet) -> Object:
    left: Object = without(shape, obj, fields) if fields else obj
    return left or {}


def _members(shape: Shape, obj: Object) -> FieldSet:
    """Return every field of an object, those that only hold others included."""
    return _with_fields(shape, named(shape, obj) or LEAF)


def _with_fields(shape: Shape, owned: FieldSet) -> FieldSet:
    """Return a set with every declared field on the way to a member in it, too.

    Source: structured-merge-diff fieldpath/set.go (EnsureNamedFieldsAreMembers).
    """
    result: FieldSet = {}
    for step, node in owned.items():
        member = shape.at(step)
        below = _with_fields(member.shape, node) if node and member is not None else node
        result[step] = fieldset.with_member(below) if member is not None and member.declared else below
    return result
