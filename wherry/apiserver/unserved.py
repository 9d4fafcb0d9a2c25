"""Kinds that everybody knows and this server does not serve: named as such, in discovery and in answers.

Discovery lists them without a verb, which clients take for what cannot be done: `kubectl api-resources` hides them, and
collectors pass them by. But kubectl then knows where they would be, asks there, and shows the answer, where it would
otherwise advise to "ensure CRDs are installed first". A kind that is served is not looked for here.
"""

from __future__ import annotations

from wherry.apiserver.catalog import Catalog, unknown_path
from wherry.objects.errors import NotFound, details
from wherry.objects.resource import Resource

UNSERVED = (
    Resource("resource.k8s.io", "v1", "deviceclasses", "DeviceClass", namespaced=False),
    Resource("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim"),
    Resource("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate"),
    Resource("resource.k8s.io", "v1", "resourceslices", "ResourceSlice", namespaced=False),
)
_BY_PATH = {(r.group, r.version, r.plural): r for r in UNSERVED}


def missing(catalog: Catalog) -> list[Resource]:
    """Return those that are not served just now."""
    return [r for r in UNSERVED if catalog.kind(r.group, r.plural) is None]


def error(group: str, version: str, plural: str) -> NotFound:
    """Return the answer to a request for `/apis/GROUP/VERSION/PLURAL`, which is not served."""
    resource = _BY_PATH.get((group, version, plural))
    if resource is None:
        return unknown_path()
    text = f"{resource.kind} ({resource.group_resource}) is not served: wherry does not have this kind yet"
    return NotFound(text, details=details(plural, group=group))
