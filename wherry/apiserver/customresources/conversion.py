"""Custom resources from one version to another.

Source: apiextensions-apiserver pkg/apiserver/conversion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.objects import Object
from wherry.objects.structural.pruning import pruned
from wherry.objects.structural.shape import Shape


class Renaming:
    """Strategy None: only `apiVersion` changes, and what the other version does not know is dropped.

    `shapes`: each version by its apiVersion; `storage`: the apiVersion that objects are written in.
    """

    def __init__(self, shapes: Mapping[str, Shape], storage: str):
        self._shapes = shapes
        self._storage = storage

    async def ready(self, objects: Sequence[Object], api_version: str) -> None:
        """Nobody is asked."""

    def convert(self, obj: Object, api_version: str) -> Object:
        """See `Converter.convert`."""
        if obj["apiVersion"] == api_version:
            return obj
        shape = self._shapes.get(api_version)
        result: Object = pruned(obj, shape.schema if shape else None, [], is_object=True)
        return {**result, "apiVersion": api_version, "metadata": obj["metadata"]}

    async def stored(self, obj: Object) -> Object:
        """See `Converter.stored`."""
        return self.convert(obj, self._storage)
