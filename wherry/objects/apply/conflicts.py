"""What an apply may not take away from others without force, and what is said of it.

Source: apimachinery pkg/util/managedfields/internal/conflict.go, pkg/api/errors (NewApplyConflict).
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.objects import Object
from wherry.objects.apply import fieldset
from wherry.objects.apply.fieldset import FieldSet
from wherry.objects.apply.managers import Manager
from wherry.objects.errors import Conflict


class Conflicts(Exception):
    """Fields that an apply would change and others own, by manager."""

    def __init__(self, by_manager: Mapping[Manager, FieldSet]):
        super().__init__()
        self.by_manager = by_manager

    def without(self, allowed: FieldSet) -> Conflicts | None:
        """Return the conflicts about other fields than those, None where there are none."""
        left = {manager: fieldset.difference(owned, allowed) for manager, owned in self.by_manager.items()}
        left = {manager: owned for manager, owned in left.items() if owned}
        return Conflicts(left) if left else None

    def error(self) -> Conflict:
        """Return the answer to the client: a cause for every field."""
        found = [
            (m, fieldset.shown(path)) for m in sorted(self.by_manager) for path in fieldset.paths(self.by_manager[m])
        ]
        causes: list[Object] = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
            for manager, path in found
        ]
        return Conflict.of_managers(self._message(found), causes)

    @staticmethod
    def _message(found: list[tuple[Manager, str]]) -> str:
        if len(found) == 1:
            manager, path = found[0]
            return f"Apply failed with 1 conflict: conflict with {manager}: {path}"
        lines = []
        for manager in dict.fromkeys(manager for manager, _ in found):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {path}" for whose, path in found if whose == manager]
        return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
