"""The APIServices of what this server serves itself.

Source: kubernetes pkg/controlplane/apiserver/aggregator.go (the priorities), kube-aggregator
pkg/controllers/autoregister (the label).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.resource import API_SERVICES

AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"
"""How long one is ours to keep: those of custom resources come and go with them."""


class GroupVersion(NamedTuple):
    """A group and version, and whether it is one that every cluster has."""

    group: str
    version: str
    built_in: bool


_GROUPS = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "extensions": 17150,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "metrics.k8s.io": 100,
}
_VERSIONS = {("", "v1"): 1, ("autoscaling", "v2"): 30, ("extensions", "v1beta1"): 1, ("metrics.k8s.io", "v1beta1"): 100}
_STABLE, _BETA = 15, 9
_CUSTOM = (1000, 100)


def wanted(versions: Iterable[GroupVersion]) -> list[Object]:
    """Return the APIServices there should be; APIServices themselves have none, as upstream."""
    return [_of(one) for one in versions if one.group != API_SERVICES.group]


def difference(wanted: Iterable[Object], current: Iterable[Object]) -> tuple[list[Object], list[Object]]:
    """Return what is to be created and what to be deleted. What somebody made otherwise is left to them."""
    names = {obj["metadata"]["name"]: obj for obj in wanted}
    there = {obj["metadata"]["name"]: obj for obj in current}
    create = [obj for name, obj in names.items() if name not in there]
    delete = [obj for name, obj in there.items() if name not in names and is_ours(obj)]
    return create, delete


def is_ours(api_service: Object) -> bool:
    """Return whether this server made it for what it serves itself, and nobody has given it a Service since."""
    return AUTOMANAGED in metadata.labels(api_service) and not api_service["spec"].get("service")


def _of(one: GroupVersion) -> Object:
    group_priority, version_priority = _priorities(one)
    return {
        "apiVersion": API_SERVICES.api_version,
        "kind": "APIService",
        "metadata": {
            "name": f"{one.version}.{one.group}",
            "labels": {AUTOMANAGED: ON_START if one.built_in else ALWAYS},
        },
        "spec": {
            "group": one.group,
            "version": one.version,
            "groupPriorityMinimum": group_priority,
            "versionPriority": version_priority,
        },
    }


def _priorities(one: GroupVersion) -> tuple[int, int]:
    if not one.built_in:
        return _CUSTOM
    usual = _BETA if "beta" in one.version or "alpha" in one.version else _STABLE
    return _GROUPS.get(one.group, _CUSTOM[0]), _VERSIONS.get((one.group, one.version), usual)
