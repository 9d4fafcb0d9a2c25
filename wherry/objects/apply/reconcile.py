"""Sets of fields said when a kind's schema was another: what is owned as a whole now has no parts of its own.

Source: structured-merge-diff typed/reconcile_schema.go.
"""

from __future__ import annotations

from wherry.objects.apply.element import MEMBER
from wherry.objects.apply.fieldset import LEAF, FieldSet
from wherry.objects.apply.managers import Managed, fields, owning
from wherry.objects.apply.shape import Shape
from wherry.objects.apply.update import Versions


def managers(versions: Versions, managed: Managed) -> Managed:
    """Return the entries in today's terms, without those said in a version that is no longer served."""
    result = {}
    for manager, entry in managed.items():
        version = versions(entry["apiVersion"])
        if version is not None:
            result[manager] = owning(entry, reconciled(version.shape, fields(entry)))
    return result


def reconciled(shape: Shape, owned: FieldSet) -> FieldSet:
    """Return a set in which nothing is below what is owned as a whole; the very set where that is so already."""
    result = owned
    for step, node in owned.items():
        member = shape.at(step) if node else None
        if member is None:
            continue
        left = LEAF if _whole(member.shape, node) else reconciled(member.shape, node)
        if left is not node:
            result = {**result, step: left}
    return result


def _whole(shape: Shape, node: FieldSet) -> bool:
    """Return whether what has the parts in `node` is owned as a whole."""
    inside = shape.members if any(step.startswith("f:") for step in node.keys() - {MEMBER}) else shape.items
    return inside is not None and inside.atomic
