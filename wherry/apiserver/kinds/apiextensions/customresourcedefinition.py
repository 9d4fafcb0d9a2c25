"""CustomResourceDefinition (apiextensions.k8s.io/v1): there are none, and making one is refused by name.

It is served all the same, because today's kubectl lists them whenever a manifest names a kind that discovery has not:
without an answer it reports that the list failed, and not the misspelt kind.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context, Kind
from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS


def _refuse(new: Object, old: Object | None, context: Context) -> None:
    why = "custom resources are not supported yet"
    raise Forbidden.of("customresourcedefinitions", new["metadata"].get("name", ""), why, "apiextensions.k8s.io")


CUSTOM_RESOURCE_DEFINITION = Kind(
    resource=CUSTOM_RESOURCE_DEFINITIONS,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    prepare=_refuse,
)
