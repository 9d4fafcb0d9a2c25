"""Server-side apply: a configuration merged into what there is, and who owns what afterwards.

    merge ─▶ prune what only this applier had and no longer names ─▶ compare ─▶ conflicts, unless forced ─▶ entries

Source: structured-merge-diff merge/update.go (Apply), apimachinery pkg/util/managedfields/internal
(structuredmerge.go, lastappliedmanager.go, skipnonapplied.go).
"""

from __future__ import annotations

from typing import NamedTuple

from wherry.objects import Object
from wherry.objects.apply import fieldset, lastapplied, managers, reconcile
from wherry.objects.apply.conflicts import Conflicts
from wherry.objects.apply.fieldset import LEAF
from wherry.objects.apply.managers import UPDATE, Managed, Manager
from wherry.objects.apply.merge import merge, tidied
from wherry.objects.apply.owned import named
from wherry.objects.apply.prune import pruned
from wherry.objects.apply.update import Comparisons, Write, lost, stripped, updated

BEFORE_FIRST_APPLY = "before-first-apply"
"""The manager of what was there before anybody's fields were recorded."""


class Applied(NamedTuple):
    """The object after an apply, in the version of the write, and whose its fields are."""

    object: Object
    managed: Managed


def apply(write: Write, live: Object, config: Object, managed: Managed, *, force: bool) -> Applied:
    """Return what becomes of `live`, which is without managed fields, when `config` is applied to it.

    Raises `Conflicts`, and `Unkeyed` for lists whose items cannot be told apart.
    """
    if not managed:
        managed = _before(write, live)
    try:
        result = _applied(write, live, config, managed, force)
    except Conflicts as conflicts:
        left = conflicts.without(lastapplied.claimed(write, live))
        if left is not None:
            raise left from conflicts
        result = _applied(write, live, config, managed, True)
    left = tidied(result.object, live)
    return result._replace(object=lastapplied.renewed(write, left, config))


def _before(write: Write, live: Object) -> Managed:
    """Return the entry of whoever wrote an object that has none; of an object that is only just made there is none."""
    if not (live.get("metadata") or {}).get("uid"):
        return {}
    manager = Manager(BEFORE_FIRST_APPLY, UPDATE, write.manager.subresource, write.version)
    return updated(write._replace(manager=manager), write.empty, live, {})


def _applied(write: Write, live: Object, config: Object, managed: Managed, force: bool) -> Applied:
    shape = write.shape
    managed = reconcile.managers(write.versions, managed)
    last = managed.get(write.manager)
    owned = write.theirs(named(shape, config) or LEAF)
    mine = write.manager.entry(owned, write.version, last.get("time", "") if last else "")
    new = pruned(write, merge(shape, live, config), {**managed, write.manager: mine}, last)
    others = {manager: entry for manager, entry in managed.items() if manager != write.manager}
    result = _taken(Comparisons(write, live, new), others, force)
    if new != live:
        mine = {**mine, "time": write.time}
    if owned := stripped(owned):
        result[write.manager] = managers.owning(mine, owned)
    return Applied(new, result)


def _taken(comparisons: Comparisons, others: Managed, force: bool) -> Managed:
    """Return what is left of the others' entries; raises `Conflicts` for what they would lose without force."""
    conflicts = {}
    for manager, entry in others.items():
        found = comparisons.at(entry["apiVersion"])
        common = fieldset.intersection(managers.fields(entry), found.changed) if found else LEAF
        if common:
            conflicts[manager] = common
    if conflicts and not force:
        raise Conflicts(conflicts)
    return {manager: left for manager, entry in others.items() if (left := lost(entry, comparisons))}
