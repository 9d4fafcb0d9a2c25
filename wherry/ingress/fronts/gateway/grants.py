"""ReferenceGrants: an object may name one of another namespace only where a grant of that namespace says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wherry.objects import Object, metadata


@dataclass(frozen=True, slots=True)
class Reference:
    """Who names whom, across namespaces: groups ("" is the core one), kinds, namespaces, and the name."""

    from_group: str
    from_kind: str
    from_namespace: str
    to_group: str
    to_kind: str
    to_namespace: str
    to_name: str


def permitted(reference: Reference, grants: Iterable[Object]) -> bool:
    """Whether the reference stays in its namespace, or some grant lets it leave (`ReferenceGrantSpec`)."""
    if reference.from_namespace == reference.to_namespace:
        return True
    return any(_grants(grant, reference) for grant in grants if metadata.key(grant)[0] == reference.to_namespace)


def _grants(grant: Object, reference: Reference) -> bool:
    spec = grant.get("spec") or {}
    source = (reference.from_group, reference.from_kind, reference.from_namespace)
    if source not in [(f.get("group", ""), f.get("kind"), f.get("namespace")) for f in spec.get("from") or ()]:
        return False
    target = (reference.to_group, reference.to_kind)
    return any(
        (to.get("group", ""), to.get("kind")) == target and to.get("name", reference.to_name) == reference.to_name
        for to in spec.get("to") or ()
    )
