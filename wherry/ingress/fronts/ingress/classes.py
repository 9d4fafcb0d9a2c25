"""Which Ingresses are ours.

The annotation `kubernetes.io/ingress.class` goes first, as the older and more explicit one; then
`spec.ingressClassName`; an Ingress with neither is ours by ingress-nginx 0.30's rule: when our class is the default
one, `nginx` (`internal/ingress/annotations/class`), unless `--watch-ingress-without-class` says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wherry.ingress.fronts.ingress.snapshot import ClassChoice
from wherry.objects import Object, metadata
from wherry.objects.meaning.wellknown import INGRESS_CLASS

DEFAULT_CLASS: Final = "nginx"


def is_ours(ingress: Object, classes: Sequence[Object] | None, choice: ClassChoice) -> bool:
    """Whether this controller serves `ingress`; `classes` is None where IngressClasses cannot be read."""
    annotated = metadata.annotations(ingress).get(INGRESS_CLASS, "")
    if annotated:
        return annotated == choice.name
    named = (ingress.get("spec") or {}).get("ingressClassName")
    if named:
        return _names_us(named, classes, choice)
    return choice.name == DEFAULT_CLASS if choice.without_class is None else choice.without_class


def _names_us(name: str, classes: Sequence[Object] | None, choice: ClassChoice) -> bool:
    if name == choice.name and (choice.by_name or classes is None):
        return True
    if classes is None:
        return False
    found = next((c for c in classes if c["metadata"]["name"] == name), None)
    if found is None:
        return False
    return bool((found.get("spec") or {}).get("controller") == choice.controller)
