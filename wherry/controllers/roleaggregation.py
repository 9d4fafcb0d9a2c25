"""ClusterRoles with an aggregationRule have the rules of those that it selects.

Source: kubernetes pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from wherry.controllers.context import Context
from wherry.controllers.controller import Controller
from wherry.objects import Object, metadata, selectors
from wherry.objects.errors import NotFound
from wherry.objects.metadata import Key
from wherry.objects.resource import CLUSTER_ROLES


def aggregated(role: Object, roles: Iterable[Object]) -> list[Object]:
    """Return the rules of the `roles` that a role's aggregationRule selects: each once, in the roles' order by name."""
    others = [one for one in sorted(roles, key=metadata.key) if metadata.key(one) != metadata.key(role)]
    found: list[Object] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        chosen = selectors.from_object(selector)
        for rule in (r for one in others if chosen.matches(metadata.labels(one)) for r in one.get("rules") or ()):
            if rule not in found:
                found.append(rule)
    return found


class RoleAggregationController(Controller):
    """Fills in the rules of ClusterRoles that aggregate others."""

    name = "clusterrole-aggregation"

    def __init__(self, context: Context):
        super().__init__(context)
        self._roles = context.informer(CLUSTER_ROLES)
        self._gathering = self._roles.index("aggregates", lambda role: ("",) if role.get("aggregationRule") else ())
        self._roles.subscribe(self._changed)

    async def run(self) -> None:
        """Work until cancelled."""
        self._changed(None, None)
        await super().run()

    async def reconcile(self, key: Key) -> None:
        """Give a ClusterRole the rules that it is to have."""
        role = self._roles.get(*key)
        if role is None or not role.get("aggregationRule"):
            return
        rules = aggregated(role, self._roles.items())
        if rules != (role.get("rules") or []):
            with contextlib.suppress(NotFound):
                await self.client.update(CLUSTER_ROLES, role | {"rules": rules})

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """Look at every role that aggregates: whatever it selects may have begun, or ceased, to count."""
        for role in self._gathering.get(""):
            self.enqueue(role)
