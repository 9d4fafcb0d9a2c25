"""What another API server lists as its resources, in the form of aggregated discovery.

Source: kube-aggregator pkg/apiserver/handler_discovery.go; apiserver pkg/endpoints/discovery/aggregated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wherry.objects import Object


class Foreign(NamedTuple):
    """A group and version that another server answers: what it listed last, and whether it answers now."""

    resources: tuple[Object, ...]
    available: bool


def version_discovery(version: str, group: str, foreign: Foreign) -> Object:
    """Return the entry of a version in aggregated discovery: `Stale` while its server does not answer."""
    freshness = "Current" if foreign.available else "Stale"
    return {"version": version, "freshness": freshness, "resources": _resources(group, version, foreign.resources)}


def _resources(group: str, version: str, listed: Iterable[Object]) -> list[Object]:
    found: dict[str, Object] = {}
    for one in listed:
        plural, _, subresource = one["name"].partition("/")
        kind = {"group": one.get("group") or group, "version": one.get("version") or version, "kind": one["kind"]}
        verbs = list(one.get("verbs") or ())
        entry = found.setdefault(plural, {"resource": plural})
        if subresource:
            part = {"subresource": subresource, "responseKind": kind, "verbs": verbs}
            entry.setdefault("subresources", []).append(part)
            continue
        scope = "Namespaced" if one.get("namespaced") else "Cluster"
        singular = one.get("singularName") or one["kind"].lower()
        entry |= {"responseKind": kind, "scope": scope, "singularResource": singular, "verbs": verbs}
        entry |= {key: one[key] for key in ("shortNames", "categories") if one.get(key)}
    return [entry for entry in found.values() if "responseKind" in entry]
