"""The shape of what is described either way: by Kubernetes' own schema, or by a custom resource's."""

from __future__ import annotations

from wherry.objects.apply import shape, structural
from wherry.objects.definitions import Type
from wherry.objects.structural.shape import Shape as Structural


def of(described: Type | Structural | None) -> shape.Shape:
    """Return how values of a description merge; None: nobody says, and what a value is tells."""
    return structural.of(described) if isinstance(described, Structural) else shape.of(described)
