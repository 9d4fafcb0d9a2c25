"""Services whose Local policy leaves this node without an endpoint, though there are some elsewhere (pure)."""

from __future__ import annotations

from collections.abc import Iterator

from wherry.proxy.plan import Change, Frontend, Kind, Route
from wherry.proxy.service import ServicePortName
from wherry.proxy.topology import Choice, Verdict

POLICIES = ("internal", "external")


class NoLocal:
    """The service ports whose packets are dropped here, by traffic policy; `update` follows the plan."""

    def __init__(self) -> None:
        self._dropped: dict[str, dict[Frontend, ServicePortName]] = {policy: {} for policy in POLICIES}

    def update(self, change: Change) -> None:
        """Take a change of the plan in."""
        for frontend, (_, after) in change.routes.items():
            policies = set(_policies(after)) if after else set()
            for policy, dropped in self._dropped.items():
                dropped.pop(frontend, None)
                if after and policy in policies:
                    dropped[frontend] = after.owner

    def counts(self) -> dict[str, int]:
        """Return how many service ports there are for each policy."""
        return {policy: len(set(dropped.values())) for policy, dropped in self._dropped.items()}


def _policies(route: Route) -> Iterator[str]:
    if route.kind is Kind.ClusterIP and _drops(route.inside):
        yield "internal"
    if route.outside is not None and _drops(route.outside):
        yield "external"


def _drops(choice: Choice) -> bool:
    return not choice.endpoints and choice.otherwise is Verdict.DROP
