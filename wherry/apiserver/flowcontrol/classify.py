"""Which flow and which priority level a request belongs to.

The schemas are upstream's suggested ones where those make sense in one process; administrators have a level where
upstream exempts them, since here people's own scripts are administrators.
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.apiserver.user import ANONYMOUS, MASTERS, User

EXEMPT = "exempt"
PROBES = ("/healthz", "/livez", "/readyz")

SEATS = {"system": 64, "administrators": 64, "workload-low": 32, "global-default": 32, "catch-all": 8}
"""Requests of a level that are answered at the same time. One process answers them all; more seats only mean a longer
way to the front for everybody."""

_ACCOUNTS = "system:serviceaccounts"
_SYSTEM_ACCOUNTS = f"{_ACCOUNTS}:kube-system"


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests that wait in one queue: `schema` says why they are of `level`, `name` whose they are."""

    schema: str
    level: str
    name: str = ""


_PROBES = Flow("probes", EXEMPT)


def flow(user: User, path: str, address: str) -> Flow:
    """Return the flow of a request; nobody in particular is told apart by `address`."""
    if path in PROBES:
        return _PROBES
    if user.name == ANONYMOUS.name:
        return Flow("catch-all", "catch-all", address)
    schema, level = _schema(user.groups)
    return Flow(schema, level, user.name)


def _schema(groups: tuple[str, ...]) -> tuple[str, str]:
    if MASTERS in groups:
        return "administrators", "administrators"
    if "system:nodes" in groups:
        return "system-nodes", "system"
    if _SYSTEM_ACCOUNTS in groups:
        return "kube-system-service-accounts", "system"
    if _ACCOUNTS in groups:
        return "service-accounts", "workload-low"
    return "global-default", "global-default"
